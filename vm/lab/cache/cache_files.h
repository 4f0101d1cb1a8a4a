// SPDX-License-Identifier: Apache-2.0
//
// What lies in the cache, whatever it is: kernels and userlands know their own files, and this
// knows none of them. So it takes every regular file for an object that can be carried to another
// machine, but for locks and what is only half made.
//
//   for (const auto& file : *cache_files(cache_folder())) say(file.name, file.size);
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct CacheFile {
  std::string name;  ///< below the cache folder: "userlands/trixie-….cpio"
  std::uint64_t size = 0;
  friend bool operator==(const CacheFile&, const CacheFile&) = default;
};

/// A lock (see FileLock), or something below a folder in which another process works (*.tmp,
/// *.work, *.partial and names with a leading dot).
bool is_transient(const std::filesystem::path& name);

/// By name; none when there is no cache. Symbolic links are neither followed nor listed. Fails with
/// could_not_start when the folder cannot be read.
Expected<std::vector<CacheFile>> cache_files(const std::filesystem::path& cache);

/// Removes what cache_files lists and the folders that are empty then; locks stay, because another
/// process may hold one. The answer is what was removed. Fails with could_not_start, naming the
/// file.
Expected<std::vector<CacheFile>> clean_cache(const std::filesystem::path& cache);

}  // namespace nsgate::lab
