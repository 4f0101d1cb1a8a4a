// SPDX-License-Identifier: Apache-2.0
#include "lab/cache/cache_files.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace fs = std::filesystem;

bool is_transient(const fs::path& name) {
  constexpr std::array<std::string_view, 4> endings{".lock", ".tmp", ".work", ".partial"};
  return std::ranges::any_of(name, [&](const fs::path& part) {
    const auto text = part.string();
    return text.starts_with('.') ||
           std::ranges::any_of(endings, [&](auto ending) { return text.ends_with(ending); });
  });
}

Expected<std::vector<CacheFile>> cache_files(const fs::path& cache) {
  std::vector<CacheFile> files;
  std::error_code error;
  if (!fs::exists(cache, error) && !error) return files;
  auto it = fs::recursive_directory_iterator(cache, error);
  for (; !error && it != fs::end(it); it.increment(error)) {
    const auto name = it->path().lexically_relative(cache);
    // Another process may take a file of its own away at any time.
    std::error_code gone;
    if (is_transient(name)) {
      it.disable_recursion_pending();
    } else if (it->symlink_status(gone).type() == fs::file_type::regular) {
      const auto size = it->file_size(gone);
      if (!gone) files.push_back({.name = name.string(), .size = size});
    }
  }
  if (error) {
    return could_not_start("cannot read the cache " + cache.string() + ": " + error.message());
  }
  std::ranges::sort(files, {}, &CacheFile::name);
  return files;
}

Expected<std::vector<CacheFile>> clean_cache(const fs::path& cache) {
  auto files = cache_files(cache);
  if (!files) return files;
  std::error_code error;
  for (const auto& file : *files) {
    if (fs::remove(cache / file.name, error); error) {
      return could_not_start("cannot remove " + (cache / file.name).string() + ": " +
                             error.message());
    }
    // Fails, as it should, where something else is left in it.
    for (auto folder = fs::path(file.name).parent_path(); !folder.empty();
         folder = folder.parent_path()) {
      if (!fs::remove(cache / folder, error)) break;
    }
  }
  return files;
}

}  // namespace nsgate::lab
