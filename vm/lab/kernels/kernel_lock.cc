// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_lock.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/base/write_file.h"

namespace nsgate::lab {
namespace {

using Json = nlohmann::ordered_json;

constexpr int schema_version = 2;

Json to_json(const LockedKernel& kernel) {
  auto packages = Json::array();
  for (const auto& package : kernel.packages) {
    packages.push_back({{"package", package.package},
                        {"version", package.version},
                        {"architecture", package.architecture},
                        {"suite", package.suite},
                        {"size", package.size},
                        {"sha256", package.sha256}});
  }
  return {
      {"release", kernel.release}, {"image_sha256", kernel.image_sha256}, {"packages", packages}};
}

/// The characters of package names and versions (deb-version(7)). These words become file names
/// and arguments of apt-get: no slash, and no dash in front.
bool is_debian_word(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("+-.:~").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

/// The answer names the member that is wrong; empty when the kernel is whole.
std::string first_wrong_member(const LockedKernel& kernel) {
  if (kernel.packages.empty()) return "packages";
  for (const auto& package : kernel.packages) {
    if (!is_debian_word(package.package)) return "package";
    if (!is_debian_word(package.version)) return "version";
    if (!is_debian_word(package.architecture)) return "architecture";
    // Debian names packages for the release, so a disagreement is a slip of somebody's hand.
    if (kernel.release.empty() || !package.package.ends_with("-" + kernel.release)) {
      return "release";
    }
    if (!is_sha256(package.sha256)) return "sha256";
  }
  if (!is_sha256(kernel.image_sha256)) return "image_sha256";
  return {};
}

/// Throws nlohmann's exceptions, whose text names the member.
LockedKernel from_json(const std::string& series, const Json& json) {
  LockedKernel kernel{.series = series,
                      .release = json.at("release").get<std::string>(),
                      .image_sha256 = json.at("image_sha256").get<std::string>(),
                      .packages = {}};
  for (const auto& package : json.at("packages")) {
    kernel.packages.push_back({.package = package.at("package").get<std::string>(),
                               .version = package.at("version").get<std::string>(),
                               .architecture = package.at("architecture").get<std::string>(),
                               .suite = package.at("suite").get<std::string>(),
                               .size = package.at("size").get<std::uint64_t>(),
                               .sha256 = package.at("sha256").get<std::string>()});
  }
  return kernel;
}

std::unexpected<Failure> broken(const std::filesystem::path& file, const std::string& why) {
  return could_not_start(file.string() + " is broken: " + why +
                         "; restore it, or remove it and run `nsgate kernel update`");
}

}  // namespace

Expected<KernelLock> KernelLock::load(const std::filesystem::path& file) {
  KernelLock lock;
  std::ifstream in(file);
  if (!in) {
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) return lock;
    return could_not_start("cannot read " + file.string());
  }
  std::string where;
  try {
    const auto document = Json::parse(in);
    where = "schema_version: ";
    if (document.at("schema_version").get<int>() != schema_version) {
      return broken(file, where + "this nsgate reads " + std::to_string(schema_version));
    }
    where = "kernels: ";
    for (const auto& [series, json] : document.at("kernels").items()) {
      where = "kernels: " + series + ": ";
      auto kernel = from_json(series, json);
      if (const auto member = first_wrong_member(kernel); !member.empty()) {
        return broken(file, where + member + " is not what it should be");
      }
      lock.set(std::move(kernel));
    }
  } catch (const Json::exception& error) {
    return broken(file, where + error.what());
  }
  return lock;
}

Expected<void> KernelLock::save(const std::filesystem::path& file) const {
  Json kernels = Json::object();
  for (const auto& kernel : kernels_) kernels[kernel.series] = to_json(kernel);
  const Json document = {{"schema_version", schema_version}, {"kernels", kernels}};
  return write_file(file, document.dump(2) + "\n");
}

const LockedKernel* KernelLock::find(const std::string& series) const {
  const auto found = std::ranges::find(kernels_, series, &LockedKernel::series);
  return found == kernels_.end() ? nullptr : &*found;
}

void KernelLock::set(LockedKernel kernel) {
  const auto found = std::ranges::find(kernels_, kernel.series, &LockedKernel::series);
  if (found == kernels_.end()) {
    kernels_.push_back(std::move(kernel));
  } else {
    *found = std::move(kernel);
  }
}

}  // namespace nsgate::lab
