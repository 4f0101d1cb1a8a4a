// SPDX-License-Identifier: Apache-2.0
//
// Userlands that were made before: of each an archive and, beside it, what is known of it.
//
//   const UserlandCache cache(folder);
//   if (auto held = cache.look("bookworm-0123456789abcdef", recipe); *held) return **held;
//
// An archive is there before its description, and the description names size and hash, so that
// half of a userland is never taken for one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lab/base/failure.h"
#include "lab/base/file_lock.h"
#include "lab/userlands/root_tree.h"
#include "lab/userlands/userland.h"

namespace nsgate::lab {

/// "bookworm-" and 16 digits that stand for the text.
std::string cache_key(const std::string& prefix, const std::string& text);

/// Every Failure is could_not_start. Thread-safe; several processes may share one folder.
class UserlandCache {
 public:
  explicit UserlandCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The userland of this key, made from just this text (`made_from` says all that matters of its
  /// making); nothing when there is none, or when its archive has not the size that it had.
  Expected<std::optional<Userland>> look(const std::string& key,
                                         const std::string& made_from) const;

  /// Waits for whoever makes it at present.
  Expected<FileLock> lock(const std::string& key) const;
  /// A folder for the making, empty; REQUIRES: the lock.
  Expected<std::filesystem::path> workshop(const std::string& key) const;

  /// Writes the tree as an archive and describes it. `userland` has all but what follows from them.
  /// Fails also when the tree has no libc. REQUIRES: the lock.
  Expected<Userland> keep(const std::string& key, const std::string& made_from, Userland userland,
                          const RootTree& tree) const;

  /// Removes what the keys with this prefix hold, but for one. REQUIRES: the lock of `kept`.
  void remove_others(const std::string& prefix, const std::string& kept) const;

 private:
  std::filesystem::path file(const std::string& key, const char* ending) const {
    return folder_ / (key + ending);
  }

  std::filesystem::path folder_;
};

}  // namespace nsgate::lab
