// SPDX-License-Identifier: Apache-2.0
//
// Runs a program and all that it starts under a kernel that lies: by ptrace(2), which stops them at
// the system calls that a seccomp filter picks.
#pragma once

#include "lies/lies.h"

namespace nsgate::lies {

struct Run {
  int exit_code;  ///< the program's; 128+n for signal n
  int told;       ///< how often the kernel lied
};

/// `truthful`: everything is stopped at the same places, and nothing is changed. Throws
/// std::system_error.
Run run(const std::vector<std::string>& command, const Lie& lie, bool truthful);

}  // namespace nsgate::lies
