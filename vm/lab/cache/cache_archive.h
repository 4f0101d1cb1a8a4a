// SPDX-License-Identifier: Apache-2.0
//
// Carries a cache to another machine: a tar in zstd, whose first member lists the others with their
// sizes and hashes.
//
//   export_cache(cache, "lab.tar.zst");
//   import_cache("lab.tar.zst", cache);
//
// What is read is not believed: a name that leads out of the cache, a member that is no plain file,
// is not in the list or is not what the list says ends the import. Every Failure is
// could_not_start. Thread-safe; several processes may share a cache.
#pragma once

#include <filesystem>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cache/cache_files.h"

namespace nsgate::lab {

/// Writes `archive` in one step; what was exported is the answer. An empty cache is a failure.
Expected<std::vector<CacheFile>> export_cache(const std::filesystem::path& cache,
                                              const std::filesystem::path& archive);

/// Nothing of the cache changes before the whole archive was read and found good; then each file
/// takes its place in one step, in front of what was there.
Expected<std::vector<CacheFile>> import_cache(const std::filesystem::path& archive,
                                              const std::filesystem::path& cache);

/// Whether a member may have this name: relative, without "." and "..", and no lock.
bool is_importable(const std::string& name);

}  // namespace nsgate::lab
