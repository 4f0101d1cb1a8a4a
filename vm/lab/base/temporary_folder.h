// SPDX-License-Identifier: Apache-2.0
//
// A folder that is removed, with what is in it, when its owner goes out of scope.
//
//   auto folder = TemporaryFolder::make("nsgate-probe");
#pragma once

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {

class TemporaryFolder {
 public:
  /// Under TMPDIR, for the caller alone. Fails with could_not_start, naming the place.
  static Expected<TemporaryFolder> make(const std::string& name) {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    if (error) return could_not_start("TMPDIR names no folder: " + error.message());
    std::string path = (parent / (name + "-XXXXXX")).string();
    if (::mkdtemp(path.data()) == nullptr) {
      return could_not_start("cannot make a folder in " + parent.string() + ": " +
                             std::strerror(errno) + "; set TMPDIR to a folder that can be written");
    }
    return TemporaryFolder(std::move(path));
  }

  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace nsgate::lab
