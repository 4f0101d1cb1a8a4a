// SPDX-License-Identifier: Apache-2.0
//
// Lets one process at a time build a thing that several want.
//
//   auto lock = FileLock::acquire(cache / "6.1.lock");   // waits; released by scope
#pragma once

#include <filesystem>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// An exclusive flock(2), which the kernel releases even when the holder is killed. The file stays:
/// removing it would let two processes hold two files of one name.
class [[nodiscard]] FileLock {
 public:
  /// Waits for the present holder. Creates the file and its folder when needed.
  static Expected<FileLock> acquire(const std::filesystem::path& file);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace nsgate::lab
