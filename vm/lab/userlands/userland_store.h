// SPDX-License-Identifier: Apache-2.0
//
// Gets userlands ready for guests.
//
//   auto store = UserlandStore::open({.catalogue = "vm/userlands.toml", .cache = cache}, progress);
//   auto userland = store->obtain("bookworm");      // built once
//   auto own = store->obtain("./rootfs.tar.zst");   // a slash makes it a path
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/apt_mirrors.h"
#include "lab/userlands/userland.h"
#include "lab/userlands/userland_cache.h"
#include "lab/userlands/userland_catalogue.h"

namespace nsgate::lab {

/// Every Failure is could_not_start. Not thread-safe; several processes may share one cache.
class UserlandStore {
 public:
  struct Options {
    std::filesystem::path catalogue;  ///< userlands.toml
    std::filesystem::path cache;      ///< created when needed
    bool offline = false;             ///< never use the network
    /// Whose signatures are believed.
    std::filesystem::path keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    std::string mmdebstrap = "mmdebstrap";  ///< looked up in PATH
    std::optional<AptMirrors> mirrors{};    ///< in place of this machine's
  };
  /// Told, for a person, what is being done: "bookworm: building…".
  using Progress = std::function<void(std::string_view)>;
  struct Listed {
    std::string name;
    std::string suite;
    std::optional<Userland> ready;  ///< what obtain() would give at once
  };

  static Expected<UserlandStore> open(Options options, Progress progress);

  /// Of the catalogue, in its order.
  const std::vector<std::string>& names() const { return names_; }

  /// The whole catalogue. Changes nothing.
  Expected<std::vector<Listed>> list() const;

  /// A name of the catalogue, or the path of a directory or tar. From the cache if it is there, and
  /// one of the user's own only as long as its files have not changed since.
  Expected<Userland> obtain(const std::string& name);

  /// Builds one of the catalogue again from what the mirror has now.
  Expected<Userland> rebuild(const std::string& name);

 private:
  UserlandStore(Options options, Progress progress, std::vector<UserlandRecipe> catalogue);

  Expected<const UserlandRecipe*> find(const std::string& name) const;
  Expected<Userland> of_suite(const UserlandRecipe& recipe, bool again);
  Expected<Userland> build(const UserlandRecipe& recipe, const std::string& key);
  Expected<Userland> own(const std::string& path);

  Options options_;
  Progress progress_;
  std::vector<UserlandRecipe> catalogue_;
  std::vector<std::string> names_;
  UserlandCache cache_;
};

}  // namespace nsgate::lab
