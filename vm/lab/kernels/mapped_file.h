// SPDX-License-Identifier: Apache-2.0
//
// A file's bytes without reading them all: a vmlinux with debug information has half a gigabyte.
#pragma once

#include <filesystem>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Read-only. Not for files that somebody else may cut meanwhile (SIGBUS). Movable; thread-safe.
class MappedFile {
 public:
  /// Fails with could_not_start, naming the file, when it is no regular file that can be read.
  static Expected<MappedFile> open(const std::filesystem::path& file);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes_;
};

}  // namespace nsgate::lab
