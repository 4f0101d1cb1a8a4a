// SPDX-License-Identifier: Apache-2.0
//
// The kernels that were fetched once, each in a folder (kernel_folder.h), and a note of each that
// stands in for a pinned one.
//
//   KernelCache cache("~/.cache/nsgate/kernels", {"veth"});
//   if (auto stored = cache.find(locked); stored && *stored) boot((*stored)->image);
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/base/file_lock.h"
#include "lab/kernels/kernel_folder.h"
#include "lab/kernels/kernel_lock.h"

namespace nsgate::lab {

/// Asking changes nothing on disk but stamps, and those only where it says so; not even when there
/// is no cache yet. What changes the cache asks for its caller to hold the series' lock. Several
/// processes may share one folder.
class KernelCache {
 public:
  /// A kernel with other modules than those wished for is another kernel to the cache.
  KernelCache(std::filesystem::path folder, const std::vector<std::string>& module_wishes);

  std::filesystem::path folder_of(const LockedKernel& kernel) const;

  /// The kernel, when all of it is there and what it should be: the image as the lock says, the
  /// rest as the folder's manifest says.
  Expected<std::optional<StoredKernel>> find(const LockedKernel& kernel, Stamps stamps) const;

  /// What was taken when the pinned kernel (nullptr: none was pinned) had left the mirror.
  Expected<std::optional<LockedKernel>> stand_in(const std::string& series,
                                                 const LockedKernel* pinned) const;

  Expected<FileLock> lock(const std::string& series) const;

  /// A folder for building a kernel, on the cache's file system. REQUIRES: the series' lock is
  /// held.
  std::filesystem::path workshop(const std::string& series) const;

  /// Moves a kernel's folder in; a damaged one gives way. REQUIRES: the series' lock is held.
  Expected<void> keep(const std::filesystem::path& folder, const LockedKernel& kernel) const;
  Expected<void> keep_stand_in(const LockedKernel* pinned, const LockedKernel& taken) const;

 private:
  std::filesystem::path note(const std::string& series, const LockedKernel* pinned) const;

  std::filesystem::path folder_;
  std::string wishes_;  ///< stands for them in names of folders
};

}  // namespace nsgate::lab
