// SPDX-License-Identifier: Apache-2.0
//
// Puts the entries of an archive together to a tree, as they would come out on a disk.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/image/cpio.h"

namespace nsgate::lab {

/// Follows the symbolic links of `contents` in all parts of the path but, unless `last` is set, the
/// last. The answer is a name as in `contents`, "" for the root; nothing when the links go in
/// circles.
std::optional<std::string> follow_links(const CpioContents& contents, const std::string& path,
                                        bool last);

/// One entry a call; of two with one name the later holds, as in tar(1). The answer is what is
/// wrong with the entry; empty when it is good. Not thread-safe.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::vector<std::string> excluded) : excluded_(std::move(excluded)) {}

  /// Where the entry goes, for the functions below: "usr/bin/ip". Empty: it is left out, or it is
  /// the root itself. Nothing: it leads out of the tree.
  std::optional<std::string> place(const std::string& name) const;

  /// Whether as many bytes more are still allowed.
  bool has_room(std::uint64_t size) const { return size <= limit - bytes_; }

  void directory(const std::string& place, mode_t mode);
  void file(const std::string& place, mode_t mode, std::string content);
  void symlink(const std::string& place, const std::string& target);
  /// False when `target` is no file that came before.
  bool hard_link(const std::string& place, const std::string& target);

  CpioContents finish() && { return std::move(contents_); }

  static constexpr std::uint64_t limit = std::uint64_t{2} << 30;

 private:
  void clear(const std::string& place);

  std::vector<std::string> excluded_;
  CpioContents contents_;
  std::uint64_t bytes_ = 0;
};

}  // namespace nsgate::lab
