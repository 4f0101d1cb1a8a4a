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
      cache_(options_.cache, options_.module_wishes) {}

Kernel KernelFetcher::kernel_of(const LockedKernel& locked, const StoredKernel& stored) const {
  Kernel kernel{.name = locked.series,
                .release = locked.release,
                .package_version = locked.main().version,
                .image = stored.image,
                .image_sha256 = locked.image_sha256,
                .config = stored.config,
                .modules = stored.modules,
                .absent_modules = stored.absent,
                .unpinned = {}};
  const auto* pinned = lock_.find(locked.series);
  if (pinned == nullptr) {
    kernel.unpinned = unpinned("the lockfile does not name " + locked.series, locked.id());
  } else if (pinned->id() != locked.id()) {
    kernel.unpinned = unpinned(pinned->id() + " has left the mirror", locked.id());
  }
  return kernel;
}

Expected<std::optional<Kernel>> KernelFetcher::look_in_cache(const std::string& series,
                                                             Stamps stamps) const {
  const auto* pinned = lock_.find(series);
  if (pinned != nullptr) {
    const auto stored = cache_.find(*pinned, stamps);
    if (!stored) return std::unexpected(stored.error());
    if (*stored) return kernel_of(*pinned, **stored);
  }
  const auto stand_in = cache_.stand_in(series, pinned);
  if (!stand_in) return std::unexpected(stand_in.error());
  if (!*stand_in) return std::nullopt;
  const auto stored = cache_.find(**stand_in, stamps);
  if (!stored) return std::unexpected(stored.error());
  return *stored ? std::optional(kernel_of(**stand_in, **stored)) : std::nullopt;
}

std::string KernelFetcher::wanted(const std::string& series) const {
  const auto* pinned = lock_.find(series);
  return pinned != nullptr ? pinned->id() : "the newest, as the lockfile does not name it";
}

Expected<KernelFetcher::Look> KernelFetcher::look(const std::string& series) const {
  auto cached = look_in_cache(series, Stamps::leave);
  if (!cached) return std::unexpected(std::move(cached.error()));
  if (*cached) return Look{std::move(**cached), true};
  if (const auto* pinned = lock_.find(series)) return Look{kernel_of(*pinned, {}), false};
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
                                           const std::vector<AptPackage>& packages) const {
  auto taken = mirror.take(packages, options_.module_wishes);
  if (!taken) return std::unexpected(std::move(taken.error()));
  auto& kernel = taken->kernel;
  const auto* pinned = lock_.find(kernel.series);
  if (pinned != nullptr && pinned->id() == kernel.id() &&
      pinned->image_sha256 != kernel.image_sha256) {
    return could_not_start("the image in " + kernel.id() + " has SHA-256 " + kernel.image_sha256 +
                           " and not " + pinned->image_sha256 + ", as " +
                           options_.lockfile.string() + " says: the lockfile was damaged");
  }
  if (auto kept = cache_.keep(taken->folder, kernel); !kept) {
    return std::unexpected(std::move(kept.error()));
  }
  return std::move(kernel);
}

Expected<Kernel> KernelFetcher::obtain(const KernelSeries& series) {
  auto cached = look_in_cache(series.name, Stamps::refresh);
  if (!cached) return std::unexpected(std::move(cached.error()));
  if (*cached) return std::move(**cached);
  const auto* pinned = lock_.find(series.name);
  std::error_code ignored;
  const bool damaged =
      pinned != nullptr && std::filesystem::exists(cache_.folder_of(*pinned), ignored);
  const std::string state = damaged ? "the cached kernel is damaged" : "not in the cache";
  if (options_.offline) return could_not_start(state + ", and the network is not to be used");
  if (damaged) progress_(series.name + ": " + state + ", fetching it again");

  const auto building = cache_.lock(series.name);
  if (!building) return std::unexpected(building.error());
  // Another process may have built it while this one waited for the lock.
  cached = look_in_cache(series.name, Stamps::refresh);
  if (!cached) return std::unexpected(std::move(cached.error()));
  if (*cached) return std::move(**cached);

  const auto mirror = ask_mirror(series);
  if (!mirror) return std::unexpected(mirror.error());
  Expected<std::optional<KernelMirror::Packages>> packages = std::nullopt;
  if (pinned != nullptr) packages = mirror->find(*pinned);
  if (!packages) return std::unexpected(std::move(packages.error()));
  if (!*packages) {
    auto newest = mirror->newest();
    if (!newest) return std::unexpected(std::move(newest.error()));
    *packages = std::move(*newest);
  }
  say_downloading(series, **packages);
  const auto taken = take(*mirror, **packages);
  if (!taken) return std::unexpected(taken.error());
  auto kernel = kept(*taken);
  if (kernel && !kernel->unpinned.empty()) {
    if (auto noted = cache_.keep_stand_in(pinned, *taken); !noted) {
      return std::unexpected(std::move(noted.error()));
    }
    progress_(series.name + ": " + kernel->unpinned);
  }
  return kernel;
}

Expected<LockedKernel> KernelFetcher::newest(const KernelSeries& series) {
  if (options_.offline) return could_not_start("the newest kernel is known to the network only");
  const auto building = cache_.lock(series.name);
  if (!building) return std::unexpected(building.error());
  const auto mirror = ask_mirror(series);
  if (!mirror) return std::unexpected(mirror.error());
  const auto packages = mirror->newest();
  if (!packages) return std::unexpected(packages.error());
  const auto* pinned = lock_.find(series.name);
  const auto& main = packages->front();
  if (pinned != nullptr && pinned->id() == main.package + "=" + main.version) {
    // Fails when the mirror serves other bytes under the version that is pinned.
    if (auto same = mirror->find(*pinned); !same) return std::unexpected(std::move(same.error()));
    const auto stored = cache_.find(*pinned, Stamps::refresh);
    if (!stored) return std::unexpected(stored.error());
    if (*stored && pinned->packages.size() == packages->size()) return *pinned;
  }
  say_downloading(series, *packages);
  return take(*mirror, *packages);
}

Expected<Kernel> KernelFetcher::kept(const LockedKernel& kernel) const {
  const auto stored = cache_.find(kernel, Stamps::refresh);
  if (!stored) return std::unexpected(stored.error());
  if (*stored) return kernel_of(kernel, **stored);
  return could_not_start(kernel.id() + " is no longer in " + cache_.folder_of(kernel).string() +
                         ": another program changes the cache");
}

void KernelFetcher::say_downloading(const KernelSeries& series,
                                    const std::vector<AptPackage>& packages) const {
  for (const auto& package : packages) {
    progress_(series.name + ": downloading " + package.package + "=" + package.version);
  }
}

Expected<std::vector<Kernel>> KernelFetcher::pin(const std::vector<LockedKernel>& kernels) {
  auto lock = lock_;
  for (const auto& kernel : kernels) lock.set(kernel);
  if (auto saved = lock.save(options_.lockfile); !saved) {
    return std::unexpected(std::move(saved.error()));
  }
  lock_ = std::move(lock);
  std::vector<Kernel> pinned;
  for (const auto& kernel : kernels) {
    auto ready = kept(kernel);
    if (!ready) return std::unexpected(std::move(ready.error()));
    pinned.push_back(std::move(*ready));
  }
  return pinned;
}

}  // namespace nsgate::lab
