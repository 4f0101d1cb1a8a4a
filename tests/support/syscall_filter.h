// SPDX-License-Identifier: Apache-2.0
//
// Faults on purpose: a seccomp filter on one system call, for a child of a test.
//
//   answer_of_child([] { refuse_syscall(SYS_close_range, ENOSYS); … });
//
// The filter holds for the calling thread and for what it forks and executes, for good.
#pragma once

namespace nsgate::test {

/// The system call fails with `error`, whatever its arguments. Returns 0 or an errno.
int refuse_syscall(long number, int error);
/// The system call kills the process that makes it, by SIGSYS. Returns 0 or an errno.
int kill_on_syscall(long number);

}  // namespace nsgate::test
