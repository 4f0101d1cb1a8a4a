// SPDX-License-Identifier: Apache-2.0
//
// The files of a userland, from a directory or a tar, as they become a guest's root.
//
//   auto tree = read_root_tree("./rootfs.tar.zst", {"usr/share/doc"});
//   if (auto loader = tree->resolve("lib64/ld-linux-x86-64.so.2")) …
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/image/cpio.h"

namespace nsgate::lab {

/// Directories, files, symbolic and hard links; nothing lies behind a symbolic link. Devices, pipes
/// and sockets, owners, times and extended attributes are left out, and so is what the lab has in
/// every guest: /init, /newroot, /nsgate and /payload.
class RootTree {
 public:
  explicit RootTree(CpioContents contents) : contents_(std::move(contents)) {}

  const CpioContents& contents() const { return contents_; }

  /// The name of the file that this path leads to, by the links of the tree; nothing when it leads
  /// nowhere, or to a directory. A link never leads out of the tree, as in a chroot(2).
  std::optional<std::string> resolve(const std::string& path) const;

  /// The names of files in the folders where the loader of Debian's glibc looks by itself.
  std::set<std::string> libraries() const;

  /// What the files take of the memory of a guest: whole pages, a file with several names once.
  std::uint64_t unpacked_bytes() const;

  /// Takes a file out of the tree; its text, or nothing when there is none.
  std::optional<std::string> take(const std::string& name);

 private:
  CpioContents contents_;
};

/// `source` is a directory, or a tar, compressed or not, as libarchive(3) knows them. What lies at
/// or under `excluded` is left out. Fails with could_not_start, naming the source and what is
/// wrong: no tar, cut off, an entry that leads out of the tree ("../x"), a file that cannot be
/// read, more than 2 GiB. Thread-safe.
Expected<RootTree> read_root_tree(const std::filesystem::path& source,
                                  const std::vector<std::string>& excluded = {});

}  // namespace nsgate::lab
