// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_mirror.h"

#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/kernels/bzimage.h"
#include "lab/kernels/deb.h"
#include "lab/kernels/kernel_folder.h"
#include "lab/kernels/module_set.h"

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

Expected<AptPackage> KernelMirror::newest_image() const {
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

Expected<KernelMirror::Packages> KernelMirror::newest() const {
  auto image = newest_image();
  if (!image) return std::unexpected(std::move(image.error()));
  const auto release = series_.release_of(image->package);
  Packages packages{std::move(*image)};
  for (const auto& prefix : series_.companion_prefixes) {
    auto companion = root_.find(prefix + release, packages.front().version);
    if (!companion) return std::unexpected(std::move(companion.error()));
    if (!*companion) {
      return could_not_start("the mirror lacks " + prefix + release + "=" +
                             packages.front().version + ", which belongs to " +
                             packages.front().package + ": it may be in the middle of an update");
    }
    packages.push_back(std::move(**companion));
  }
  return packages;
}

Expected<std::optional<KernelMirror::Packages>> KernelMirror::find(
    const LockedKernel& pinned) const {
  Packages packages;
  for (const auto& locked : pinned.packages) {
    auto package = root_.find(locked.package, locked.version);
    if (!package) return std::unexpected(std::move(package.error()));
    if (!*package) return std::nullopt;
    if ((*package)->sha256 != locked.sha256 || (*package)->size != locked.size) {
      return could_not_start("the mirror's " + locked.id() + " is not the one in the lockfile: " +
                             "SHA-256 " + (*package)->sha256 + " instead of " + locked.sha256 +
                             "; one of the two was tampered with, so neither is used");
    }
    packages.push_back(std::move(**package));
  }
  return packages;
}

Expected<void> KernelMirror::unpack(const AptPackage& package, const std::string& release) const {
  const auto deb = root_.download(package.package, package.version);
  if (!deb) return std::unexpected(deb.error());
  if (auto good = verify(*deb, package); !good) return good;
  const auto image = KernelSeries::at_release(series_.image, release);
  const auto config =
      series_.config.empty() ? "" : KernelSeries::at_release(series_.config, release);
  const auto modules =
      series_.modules.empty() ? "" : KernelSeries::at_release(series_.modules, release) + "/";
  auto done = unpack_deb(*deb, unpacked(), [&](std::string_view member) {
    return member == image || member == config || (!modules.empty() && member.starts_with(modules));
  });
  std::error_code ignored;  // only space is wasted
  fs::remove(*deb, ignored);
  return done;
}

Expected<KernelMirror::Taken> KernelMirror::take(const Packages& packages,
                                                 const std::vector<std::string>& wishes) const {
  const auto& main = packages.front();
  const auto release = series_.release_of(main.package);
  std::error_code ignored;
  fs::remove_all(unpacked(), ignored);
  for (const auto& package : packages) {
    if (auto done = unpack(package, release); !done)
      return std::unexpected(std::move(done.error()));
  }
  // A file that none of the packages has: Debian has moved it.
  const auto part = [&](const std::string& path) -> Expected<fs::path> {
    if (path.empty()) return fs::path();
    const auto name = KernelSeries::at_release(path, release);
    std::error_code error;
    if (fs::exists(unpacked() / name, error)) return unpacked() / name;
    return could_not_start(main.package + "=" + main.version + " has no " + name +
                           ": Debian has moved it; correct the series " + series_.name +
                           " in the catalogue");
  };
  const auto image = part(series_.image);
  const auto config = part(series_.config);
  const auto modules = part(series_.modules);
  for (const auto* found : {&image, &config, &modules}) {
    if (!*found) return std::unexpected(found->error());
  }
  const auto header = read_bzimage(*image);
  if (!header) return std::unexpected(header.error());
  if (header->release != release) {
    return could_not_start("the image in " + main.package + " calls itself " + header->release);
  }
  auto chosen =
      modules->empty() ? Expected<ModuleSet>() : choose_modules(*modules, wishes, release);
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  const auto stored = fill_kernel_folder(
      folder_ / "kernel",
      {.release = release, .image = *image, .config = *config, .modules = std::move(*chosen)});
  if (!stored) return std::unexpected(stored.error());

  Taken taken{.kernel = {.series = series_.name,
                         .release = release,
                         .image_sha256 = stored->image_sha256,
                         .packages = {}},
              .folder = folder_ / "kernel"};
  for (const auto& package : packages) {
    taken.kernel.packages.push_back({.package = package.package,
                                     .version = package.version,
                                     .architecture = package.architecture,
                                     .suite = package.suite,
                                     .size = package.size,
                                     .sha256 = package.sha256});
  }
  return taken;
}

}  // namespace nsgate::lab
