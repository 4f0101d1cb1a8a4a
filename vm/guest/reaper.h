// SPDX-License-Identifier: Apache-2.0
//
// Ends what a test leaves behind, so that no test meets another one's processes.
//
// REQUIRES: SIGCHLD is blocked (block_sigchld) and the caller is PID 1. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

namespace nsgate::guest {

void block_sigchld();

struct Reaped {
  bool everything;                 ///< no process but init is left
  std::optional<int> wait_status;  ///< of `test`, as waitpid(2) gives it, once it is reaped
};

/// Sends SIGKILL to every process but init and reaps until none is left or `patience` is over.
Reaped kill_and_reap(pid_t test, std::chrono::seconds patience);

}  // namespace nsgate::guest
