// SPDX-License-Identifier: Apache-2.0
//
// Runs work that may never return, and that may not even die, in a child process against a
// deadline.
//
//   auto end = run_guarded([](int report) { … write(report, …) … }, {.work = 2s});
//   if (end && end->how == GuardedEnd::How::ended) read(end->said);
//
// A process that sits in the kernel for good survives SIGKILL, and waitpid(2) would then block for
// good, too. So its end is awaited by a pidfd (poll(2), Linux 5.3), and a child that does not die
// within a grace is abandoned: it stays behind, without any of the caller's descriptors.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct GuardedEnd {
  enum class How { ended, killed, abandoned };
  How how;
  int wait_status;   ///< as waitpid(2) gives it; of a child that ended by itself
  std::string said;  ///< what it wrote until then, 4 KiB at most
  pid_t pid;         ///< still in use where the child was abandoned
};

struct GuardedLimits {
  std::chrono::milliseconds work;
  std::chrono::milliseconds death{1000};         ///< from SIGKILL to giving the child up
  std::function<int(pid_t, int)> kill = ::kill;  ///< for tests
};

/// Calls work(report) in a child that exits with 0 when the call returns. The child is a fork of
/// one thread: only async-signal-safe calls are allowed in it. What it writes to `report` comes
/// back. Fails with could_not_start when there can be no child. Thread-safe.
Expected<GuardedEnd> run_guarded(const std::function<void(int report)>& work,
                                 const GuardedLimits& limits);

}  // namespace nsgate::lab
