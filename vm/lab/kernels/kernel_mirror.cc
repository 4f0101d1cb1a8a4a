// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_mirror.h"

#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/kernels/bzimage.h"
#include "lab/kernels/deb.h"

namespace nsgate::lab {
namespace fs = std::filesystem;
namespace {

struct Dependency {
  std::string package;
  std::string version;
};

/// The first "name (= version)" of a Depends field whose name begins with the prefix.
std::optional<Dependency> exact_dependency(std::string_view depends, std::string_view prefix) {
  for (const auto part : depends | std::views::split(std::string_view(", "))) {
    const std::string_view text(part.begin(), part.end());
    constexpr std::string_view equals = " (= ";
    const auto at = text.find(equals);
    if (!text.starts_with(prefix) || at == text.npos || !text.ends_with(')')) continue;
    const auto version = text.substr(at + equals.size());
    return Dependency{std::string(text.substr(0, at)),
                      std::string(version.substr(0, version.size() - 1))};
  }
  return std::nullopt;
}

Expected<void> verify(const fs::path& deb, const AptPackage& package) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(deb, error);
  const auto hash = sha256_of(deb);
  if (!hash) return std::unexpected(hash.error());
  if (error || size != package.size || *hash != package.sha256) {
    return could_not_start("what was downloaded as " + package.package + "=" + package.version +
                           " is not what the signed index says: SHA-256 " + *hash + " instead of " +
                           package.sha256 + "; it was thrown away");
  }
  return {};
}

}  // namespace

Expected<KernelMirror> KernelMirror::open(KernelSeries series, const AptMirrors& mirrors,
                                          const fs::path& keyring, const fs::path& folder) {
  std::vector<AptSource> sources;
  for (const auto& suite : series.main_suites) sources.push_back({mirrors.main, suite});
  for (const auto& suite : series.security_suites) sources.push_back({mirrors.security, suite});
  for (const auto& source : sources) {
    if (!source.uri.empty()) continue;
    return could_not_start(
        "this machine's APT names no mirror of Debian for " + source.suite +
        ": run `apt-get update` if it never was, or set NSGATE_MIRROR (Debian's archive) and "
        "NSGATE_SECURITY_MIRROR (its security archive) to the URIs of mirrors");
  }
  auto root = AptRoot::create(folder, sources, keyring, mirrors.transport);
  if (!root) return std::unexpected(std::move(root.error()));
  if (auto updated = root->update(); !updated) return std::unexpected(std::move(updated.error()));
  return KernelMirror(std::move(series), std::move(*root), folder);
}

Expected<AptPackage> KernelMirror::newest() const {
  auto package = root_.newest(series_.meta_package);
  // Where linux-image-<release> is empty, what holds the image is one dependency further.
  for (int step = 0; package && step < 2; ++step) {
    auto dependency = exact_dependency(package->depends, series_.image_package_prefix);
    const bool arrived = dependency.has_value();
    if (!arrived) dependency = exact_dependency(package->depends, "linux-image-");
    if (!dependency) break;
    auto next = root_.find(dependency->package, dependency->version);
    if (!next) return std::unexpected(std::move(next.error()));
    if (!*next) {
      return could_not_start(package->package + " needs " + dependency->package + "=" +
                             dependency->version +
                             ", which the mirror lacks: it may be in the middle of an update");
    }
    package = std::move(**next);
    if (arrived) return package;
  }
  if (!package) return package;
  return could_not_start(
      "no dependency of " + series_.meta_package + " is named " + series_.image_package_prefix +
      "…: Debian has moved the image; correct the series " + series_.name + " in the catalogue");
}

Expected<std::optional<AptPackage>> KernelMirror::find(const LockedKernel& pinned) const {
  auto package = root_.find(pinned.package, pinned.version);
  if (package && *package &&
      ((*package)->sha256 != pinned.sha256 || (*package)->size != pinned.size)) {
    return could_not_start("the mirror's " + pinned.id() + " is not the one in the lockfile: " +
                           "SHA-256 " + (*package)->sha256 + " instead of " + pinned.sha256 +
                           "; one of the two was tampered with, so neither is used");
  }
  return package;
}

Expected<KernelMirror::Taken> KernelMirror::take(const AptPackage& package) const {
  const auto deb = root_.download(package.package, package.version);
  if (!deb) return std::unexpected(deb.error());
  if (auto good = verify(*deb, package); !good) return std::unexpected(std::move(good.error()));

  const auto image = folder_ / "image";
  const auto unpacked = extract_from_deb(*deb, series_.image_of(package.package), image);
  if (!unpacked) return std::unexpected(unpacked.error());
  const auto header = read_bzimage(image);
  if (!header) return std::unexpected(header.error());
  const auto release = series_.release_of(package.package);
  if (header->release != release) {
    return could_not_start("the image in " + package.package + " calls itself " + header->release);
  }
  const auto image_hash = sha256_of(image);
  if (!image_hash) return std::unexpected(image_hash.error());
  return Taken{.kernel = {.series = series_.name,
                          .package = package.package,
                          .version = package.version,
                          .architecture = package.architecture,
                          .suite = package.suite,
                          .size = package.size,
                          .sha256 = package.sha256,
                          .release = release,
                          .image_sha256 = *image_hash},
               .image = image};
}

}  // namespace nsgate::lab
