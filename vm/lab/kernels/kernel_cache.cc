// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_cache.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <system_error>
#include <utility>

#include "frame/frame.h"
#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace fs = std::filesystem;

KernelCache::KernelCache(fs::path folder, const std::vector<std::string>& module_wishes)
    : folder_(std::move(folder)) {
  std::string all;
  for (const auto& wish : module_wishes) all += wish + "\n";
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08" PRIx32, frame::crc32(all));
  wishes_ = digits.data();
}

fs::path KernelCache::folder_of(const LockedKernel& kernel) const {
  return folder_ / (kernel.main().package + "_" + kernel.main().version + "_" + wishes_);
}

Expected<std::optional<StoredKernel>> KernelCache::find(const LockedKernel& kernel,
                                                        Stamps stamps) const {
  auto stored = read_kernel_folder(folder_of(kernel), stamps);
  if (stored && *stored && (*stored)->image_sha256 != kernel.image_sha256) return std::nullopt;
  return stored;
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

Expected<void> KernelCache::keep(const fs::path& folder, const LockedKernel& kernel) const {
  const auto place = folder_of(kernel);
  std::error_code error;
  fs::remove_all(place, error);
  if (!error) fs::rename(folder, place, error);
  if (error) return could_not_start("cannot store " + place.string() + ": " + error.message());
  return {};
}

Expected<void> KernelCache::keep_stand_in(const LockedKernel* pinned,
                                          const LockedKernel& taken) const {
  KernelLock lock;
  lock.set(taken);
  return lock.save(note(taken.series, pinned));
}

}  // namespace nsgate::lab
