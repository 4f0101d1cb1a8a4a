// SPDX-License-Identifier: Apache-2.0
//
// The file of hosts of a farm, as GNU parallel reads it (parallel(1), --sshloginfile): one host a
// line, `[processors/][ssh command] [user@]host`; empty lines and those that begin with # are
// comments.
//
//   lab1
//   8/user@lab2
//   4/ssh -p 2222 -i key root@lab3
//
// What is of no use to a farm is an error: `:` (this machine without ssh; write localhost), `..`
// and `-` (other lists), `@group/` (there is nothing to choose groups by). Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct FarmHost {
  std::string ssh = "ssh";     ///< the command, with its options
  std::string host;            ///< as ssh(1) takes it
  std::size_t processors = 0;  ///< 0: not said
  friend bool operator==(const FarmHost&, const FarmHost&) = default;
};

/// Fails with could_not_start, naming the file and the line.
Expected<std::vector<FarmHost>> load_hosts(const std::filesystem::path& file);
Expected<std::vector<FarmHost>> parse_hosts(std::string_view text, const std::string& name);

}  // namespace nsgate::lab
