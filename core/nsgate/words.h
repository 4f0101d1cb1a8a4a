// SPDX-License-Identifier: Apache-2.0
//
// A command in the form that execve(2) takes, made before the child starts. Private to core.
#pragma once

#include <string>
#include <vector>

#include "nsgate/error.h"
#include "nsgate/exec.h"

namespace nsgate::detail {

/// Every array ends in nullptr. They point into the command, which must outlive them, and into
/// `programs`.
struct Words {
  std::vector<std::string> programs;
  std::vector<const char*> program_pointers;  ///< the paths to try in turn
  std::vector<char*> argv;
  std::vector<char*> envp;
};

/// Fails at Stage::exec with EINVAL when there is no argv, or a string that execve would cut.
Result<Words> prepare(const Command& command);

}  // namespace nsgate::detail
