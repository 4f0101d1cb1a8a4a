// SPDX-License-Identifier: Apache-2.0
//
// The kernels that were fetched once: images, and a note of each that stands in for a pinned one.
//
//   KernelCache cache("~/.cache/nsgate/kernels");
//   if (*cache.holds(locked)) boot(cache.image_of(locked));
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "lab/base/failure.h"
#include "lab/base/file_lock.h"
#include "lab/kernels/kernel_lock.h"

namespace nsgate::lab {

/// Asking changes nothing on disk, not even when there is no cache yet. What changes the cache asks
/// for its caller to hold the series' lock. Several processes may share one folder.
class KernelCache {
 public:
  explicit KernelCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path image_of(const LockedKernel& kernel) const;

  /// Whether the image is there with the right hash, which is computed each time.
  Expected<bool> holds(const LockedKernel& kernel) const;

  /// What was taken when the pinned kernel (nullptr: none was pinned) had left the mirror.
  Expected<std::optional<LockedKernel>> stand_in(const std::string& series,
                                                 const LockedKernel* pinned) const;

  Expected<FileLock> lock(const std::string& series) const;

  /// A folder for building an image, on the cache's file system. REQUIRES: the series' lock is
  /// held.
  std::filesystem::path workshop(const std::string& series) const;

  /// Moves the image in, in one step. REQUIRES: the series' lock is held.
  Expected<void> keep(const std::filesystem::path& image, const LockedKernel& kernel) const;
  Expected<void> keep_stand_in(const LockedKernel* pinned, const LockedKernel& taken) const;

 private:
  std::filesystem::path note(const std::string& series, const LockedKernel* pinned) const;

  std::filesystem::path folder_;
};

}  // namespace nsgate::lab
