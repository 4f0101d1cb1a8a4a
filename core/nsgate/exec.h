// SPDX-License-Identifier: Apache-2.0
//
// The exec strategy: executes a program inside a network namespace and captures what it prints.
//
//   auto links = nsgate::exec_in_netns(nsgate::Target::process(4711), {.argv = {"ip", "a"}});
//   if (links && links->succeeded()) std::cout << links->out;
//
// A child joins the namespaces and becomes the program; the caller stays where it is. Three ends
// are told apart: the program exited, a signal killed it, or it was never started (the error arm).
//
// The program has 0, 1, 2 and the descriptors that were passed on purpose, and no other; an empty
// signal mask; default handlers (ignored signals stay ignored, SIGPIPE excepted); and the caller's
// umask, limits and session. Its `/sys` is still the caller's: no mount namespace is joined.
// Test: Exec.ProgramHas*, Exec.ProgramStartsWith*, Exec.IgnoredSignals*.
//
// The cost does not grow with the caller's memory, descriptors or threads: bench/exec_bench.cc.
//
// Thread-safe. Not async-signal-safe. A caller that is cancelled (pthread_cancel(3)) while the
// program runs unwinds, and the program is killed and reaped. Test: Stress.*,
// ExecInNetns.Cancelled*, Exec.PendingCancellation*.
#pragma once

#include "nsgate/command.h"
#include "nsgate/error.h"
#include "nsgate/join.h"
#include "nsgate/netns.h"

namespace nsgate {

/// Executes the command in the network namespace `target`.
///
/// Fails at
///   Stage::open         the target could not be opened (see Netns::open)
///   Stage::pipe         EMFILE, ENFILE: no descriptors are left (pipe2(2)); EBADF: stdin_fd or one
///                       to pass is closed
///   Stage::clone        EAGAIN, ENOMEM: no process could be created; EMFILE: no descriptor is left
///                       for its pidfd (clone(2))
///   Stage::descriptors  ENOSYS, EPERM: close_range(2) is missing (Linux 5.9) or a seccomp filter
///                       refuses it, and /proc is not there to do without
///   Stage::setns_net    EPERM: CAP_SYS_ADMIN is missing in the caller's user namespace or in the
///                       one that owns the target (setns(2)); the note tells a seccomp filter's
///   Stage::credentials  EPERM: no right to these ids or groups; EINVAL: ids that the user
///                       namespace does not map (setresuid(2), setgroups(2))
///   Stage::directory    as chdir(2) gives it
///   Stage::exec         ENOENT, EACCES, ENOEXEC, ETXTBSY, E2BIG… as execve(2) gives it; EINVAL for
///                       a command that cannot be said, such as one without argv
///   Stage::wait         ETIMEDOUT: the deadline
/// A signal that kills the child before it becomes the program is an error of the stage it was in,
/// with Error::signal set. Test: ExecInNetns.FailureOf*, ExecInNetns.Reports*, Exec.Reports*,
/// ExecInNetns.ChildKilledAtAny*.
///
/// The child shares the caller's memory until it executes the program; where the program has
/// credentials of its own, only until it executes the stub (see below). The calling thread is
/// suspended meanwhile (CLONE_VFORK, clone(2)). Before Linux 5.16 a signal that dumps core ends the
/// caller along with a child that shares its memory, by both functions (zap_threads in
/// fs/coredump.c). Test: Exec.LeavesNoTraceInItsCaller, CoreDump.*.
Result<Finished> exec_in_netns(const Target& target, const Command& command);

/// Executes the command in the user namespace and the network namespace of `target`, as `nsenter -U
/// -n` does. This is the rootless way: who owns the user namespace has all capabilities inside it
/// (user_namespaces(7)).
///
/// Fails as exec_in_netns does, and at
///   Stage::open         EOPNOTSUPP: the target does not allow the plan (see UserNetns::open)
///   Stage::setns_user   EPERM: the user namespace is someone else's; EINVAL: it is the caller's
///                       own (setns(2)), which only Plan::automatic and owner_aware leave out
///   Stage::setns_both   the same for both at once
///   Stage::credentials  EINVAL: the target's user namespace does not map uid or gid 0, or nothing
///                       yet. Command::credentials or preserve_credentials do without
/// When one namespace is joined and the next refuses, the child ends: the caller is never left half
/// inside, and keeps its `dumpable` attribute. Test: ExecInUserNetns.FailureOf*,
/// ExecInUserNetns.RefusedNetns*, Exec.CallerStaysDumpable.
///
/// The child never shares the caller's memory inside a foreign user namespace: it becomes a stub of
/// a few KiB first, in a memfd. Where that cannot be executed (vm.memfd_noexec=2, an LSM, a
/// bounding set that is smaller than root's capabilities), or SIGCHLD is ignored, or /proc is
/// missing, it is a copy of the caller instead, and the cost grows with the caller's memory. The
/// program runs once all the same. Test: ExecInUserNetns.LeavesNoTrace*,
/// ExecInUserNetns.ProgramRunsOnce*.
Result<Finished> exec_in_user_netns(const UserTarget& target, const Command& command,
                                    Plan plan = Plan::automatic);

/// The calling process itself joins and becomes the program, with its own 0, 1 and 2: what a
/// command like nsenter(1) does. Returns only on failure, as exec_in_netns fails; then the process
/// may be half inside, with its descriptors closed: say why, and end it. REQUIRES: no other thread
/// (a user namespace refuses a process with threads, EINVAL). Test: BecomeInNetns.*,
/// BecomeInUserNetns.*.
Error become_in_netns(const Target& target, const Command& command);
Error become_in_user_netns(const UserTarget& target, const Command& command,
                           Plan plan = Plan::automatic);

}  // namespace nsgate
