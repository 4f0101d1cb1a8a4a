// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_fetcher.h"

#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/kernels/kernel_mirror.h"

namespace nsgate::lab {
namespace {

std::string unpinned(const std::string& why, const std::string& taken) {
  return "unpinned: " + why + ", took " + taken + "; `nsgate kernel update` pins it";
}

}  // namespace

Expected<KernelFetcher> KernelFetcher::open(Options options, Progress progress) {
  auto lock = KernelLock::load(options.lockfile);
  if (!lock) return std::unexpected(std::move(lock.error()));
  return KernelFetcher(std::move(options), std::move(progress), std::move(*lock));
}

KernelFetcher::KernelFetcher(Options options, Progress progress, KernelLock lock)
    : options_(std::move(options)),
      progress_(std::move(progress)),
      lock_(std::move(lock)),
      cache_(options_.cache) {}

Kernel KernelFetcher::kernel_of(const LockedKernel& locked) const {
  Kernel kernel{.name = locked.series,
                .release = locked.release,
                .package_version = locked.version,
                .image = cache_.image_of(locked),
                .image_sha256 = locked.image_sha256,
                .unpinned = {}};
  const auto* pinned = lock_.find(locked.series);
  if (pinned == nullptr) {
    kernel.unpinned = unpinned("the lockfile does not name " + locked.series, locked.id());
  } else if (pinned->id() != locked.id()) {
    kernel.unpinned = unpinned(pinned->id() + " has left the mirror", locked.id());
  }
  return kernel;
}

Expected<std::optional<Kernel>> KernelFetcher::look_in_cache(const std::string& series) const {
  const auto* pinned = lock_.find(series);
  if (pinned != nullptr) {
    const auto held = cache_.holds(*pinned);
    if (!held) return std::unexpected(held.error());
    if (*held) return kernel_of(*pinned);
  }
  const auto stand_in = cache_.stand_in(series, pinned);
  if (!stand_in) return std::unexpected(stand_in.error());
  if (!*stand_in) return std::nullopt;
  const auto held = cache_.holds(**stand_in);
  if (!held) return std::unexpected(held.error());
  return *held ? std::optional(kernel_of(**stand_in)) : std::nullopt;
}

std::string KernelFetcher::wanted(const std::string& series) const {
  const auto* pinned = lock_.find(series);
  return pinned != nullptr ? pinned->id() : "the newest, as the lockfile does not name it";
}

Expected<KernelFetcher::Look> KernelFetcher::look(const std::string& series) const {
  auto cached = look_in_cache(series);
  if (!cached) return std::unexpected(std::move(cached.error()));
  if (*cached) return Look{std::move(**cached), true};
  if (const auto* pinned = lock_.find(series)) return Look{kernel_of(*pinned), false};
  Kernel unknown;
  unknown.name = series;
  unknown.unpinned = "unpinned: the lockfile does not name " + series;
  return Look{std::move(unknown), false};
}

Expected<KernelMirror> KernelFetcher::ask_mirror(const KernelSeries& series) {
  if (!mirrors_) {
    auto mirrors = AptMirrors::of_this_machine();
    if (!mirrors) return std::unexpected(std::move(mirrors.error()));
    mirrors_ = std::move(*mirrors);
  }
  progress_(series.name + ": asking the mirror what it has");
  return KernelMirror::open(series, *mirrors_, options_.keyring, cache_.workshop(series.name));
}

Expected<LockedKernel> KernelFetcher::take(const KernelMirror& mirror,
                                           const AptPackage& package) const {
  auto taken = mirror.take(package);
  if (!taken) return std::unexpected(std::move(taken.error()));
  auto& kernel = taken->kernel;
  const auto* pinned = lock_.find(kernel.series);
  if (pinned != nullptr && pinned->id() == kernel.id() &&
      pinned->image_sha256 != kernel.image_sha256) {
    return could_not_start("the image in " + kernel.id() + " has SHA-256 " + kernel.image_sha256 +
                           " and not " + pinned->image_sha256 + ", as " +
                           options_.lockfile.string() + " says: the lockfile was damaged");
  }
  if (auto kept = cache_.keep(taken->image, kernel); !kept) {
    return std::unexpected(std::move(kept.error()));
  }
  return std::move(kernel);
}

Expected<Kernel> KernelFetcher::obtain(const KernelSeries& series) {
  auto cached = look_in_cache(series.name);
  if (!cached) return std::unexpected(std::move(cached.error()));
  if (*cached) return std::move(**cached);
  const auto* pinned = lock_.find(series.name);
  std::error_code ignored;
  const bool damaged =
      pinned != nullptr && std::filesystem::exists(cache_.image_of(*pinned), ignored);
  const std::string state = damaged ? "the cached image is damaged" : "not in the cache";
  if (options_.offline) return could_not_start(state + ", and the network is not to be used");
  if (damaged) progress_(series.name + ": " + state + ", fetching it again");

  const auto building = cache_.lock(series.name);
  if (!building) return std::unexpected(building.error());
  // Another process may have built it while this one waited for the lock.
  cached = look_in_cache(series.name);
  if (!cached) return std::unexpected(std::move(cached.error()));
  if (*cached) return std::move(**cached);

  const auto mirror = ask_mirror(series);
  if (!mirror) return std::unexpected(mirror.error());
  Expected<std::optional<AptPackage>> package = std::nullopt;
  if (pinned != nullptr) package = mirror->find(*pinned);
  if (!package) return std::unexpected(std::move(package.error()));
  const bool gone = !*package;
  if (gone) {
    auto newest = mirror->newest();
    if (!newest) return std::unexpected(std::move(newest.error()));
    *package = std::move(*newest);
  }
  progress_(series.name + ": downloading " + (*package)->package + "=" + (*package)->version);
  const auto taken = take(*mirror, **package);
  if (!taken) return std::unexpected(taken.error());
  auto kernel = kernel_of(*taken);
  if (!kernel.unpinned.empty()) {
    if (auto kept = cache_.keep_stand_in(pinned, *taken); !kept) {
      return std::unexpected(std::move(kept.error()));
    }
    progress_(series.name + ": " + kernel.unpinned);
  }
  return kernel;
}

Expected<LockedKernel> KernelFetcher::newest(const KernelSeries& series) {
  if (options_.offline) return could_not_start("the newest kernel is known to the network only");
  const auto building = cache_.lock(series.name);
  if (!building) return std::unexpected(building.error());
  const auto mirror = ask_mirror(series);
  if (!mirror) return std::unexpected(mirror.error());
  const auto package = mirror->newest();
  if (!package) return std::unexpected(package.error());
  const auto* pinned = lock_.find(series.name);
  if (pinned != nullptr && pinned->id() == package->package + "=" + package->version) {
    // Fails when the mirror serves other bytes under the version that is pinned.
    if (auto same = mirror->find(*pinned); !same) return std::unexpected(std::move(same.error()));
    const auto held = cache_.holds(*pinned);
    if (!held) return std::unexpected(held.error());
    if (*held) return *pinned;
  }
  progress_(series.name + ": downloading " + package->package + "=" + package->version);
  return take(*mirror, *package);
}

Expected<std::vector<Kernel>> KernelFetcher::pin(const std::vector<LockedKernel>& kernels) {
  auto lock = lock_;
  for (const auto& kernel : kernels) lock.set(kernel);
  if (auto saved = lock.save(options_.lockfile); !saved) {
    return std::unexpected(std::move(saved.error()));
  }
  lock_ = std::move(lock);
  std::vector<Kernel> pinned;
  for (const auto& kernel : kernels) pinned.push_back(kernel_of(kernel));
  return pinned;
}

}  // namespace nsgate::lab
