// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_cache.h"

#include <system_error>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"

namespace nsgate::lab {
namespace fs = std::filesystem;

fs::path KernelCache::image_of(const LockedKernel& kernel) const {
  return folder_ / (kernel.package + "_" + kernel.version + ".bzImage");
}

Expected<bool> KernelCache::holds(const LockedKernel& kernel) const {
  const auto image = image_of(kernel);
  std::error_code error;
  if (!fs::is_regular_file(image, error)) return false;
  const auto hash = sha256_of(image);
  if (!hash) return std::unexpected(hash.error());
  return *hash == kernel.image_sha256;
}

fs::path KernelCache::note(const std::string& series, const LockedKernel* pinned) const {
  const auto pin = pinned == nullptr ? std::string("nothing") : pinned->id();
  return folder_ / (series + "-instead-of-" + pin + ".json");
}

Expected<std::optional<LockedKernel>> KernelCache::stand_in(const std::string& series,
                                                            const LockedKernel* pinned) const {
  // The note has the form of a lockfile with one entry.
  const auto lock = KernelLock::load(note(series, pinned));
  if (!lock) return std::unexpected(lock.error());
  const auto* taken = lock->find(series);
  return taken == nullptr ? std::nullopt : std::optional(*taken);
}

Expected<FileLock> KernelCache::lock(const std::string& series) const {
  return FileLock::acquire(folder_ / (series + ".lock"));
}

fs::path KernelCache::workshop(const std::string& series) const {
  return folder_ / (series + ".tmp");
}

Expected<void> KernelCache::keep(const fs::path& image, const LockedKernel& kernel) const {
  std::error_code error;
  fs::rename(image, image_of(kernel), error);
  if (error) {
    return could_not_start("cannot store " + image_of(kernel).string() + ": " + error.message());
  }
  return {};
}

Expected<void> KernelCache::keep_stand_in(const LockedKernel* pinned,
                                          const LockedKernel& taken) const {
  KernelLock lock;
  lock.set(taken);
  return lock.save(note(taken.series, pinned));
}

}  // namespace nsgate::lab
