// SPDX-License-Identifier: Apache-2.0
//
// clone3(2), for flags that nothing else takes.
//
//   clone_args how{};
//   how.flags = clone_nnp;
//   how.exit_signal = SIGCHLD;
//   const pid_t pid = clone3(how, [] { return 7; });
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace nsgate::test {

/// A child that exits with what f() returns, as fork(2) makes it. -1 and errno on failure.
/// REQUIRES: the calling thread is the only one.
template <typename F>
pid_t clone3(clone_args how, F f) {
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
  if (pid == 0) ::_exit(f());
  return pid;
}

}  // namespace nsgate::test
