// SPDX-License-Identifier: Apache-2.0
//
// The exec strategy: executes a program inside a network namespace and captures what it prints.
//
//   auto links = nsgate::exec_in_netns(nsgate::Target::process(4711), {.argv = {"ip", "-br",
//   "link"}}); if (links && links->succeeded()) std::cout << links->out;
//
// A child joins the namespaces and becomes the program; the caller stays where it is. Three ends
// are told apart: the program exited, a signal killed it, or it was never started (the error arm).
//
// The program has 0, 1 and 2 open and nothing else, an empty signal mask, default handlers (ignored
// signals stay ignored, SIGPIPE excepted) and the caller's cwd, umask, limits and session. Its
// `/sys` is still the caller's: no mount namespace is joined.
//
// Thread-safe. Not async-signal-safe. A caller that is cancelled (pthread_cancel(3)) while the
// program runs unwinds, and the program is killed and reaped.
#pragma once

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nsgate/error.h"
#include "nsgate/netns.h"

namespace nsgate {

/// A program to execute.
struct Command {
  enum class Until {
    exit,         ///< return when the program ends, with all that it had written by then
    end_of_file,  ///< and every process that inherited its stdout and stderr has closed them, too
  };

  /// The program and its arguments. A name without a slash is looked up in the program's own PATH,
  /// as execvp(3) does; a script without an interpreter line is not given to a shell.
  std::vector<std::string> argv;
  /// "NAME=value" each; nothing set: the caller's environment.
  std::optional<std::vector<std::string>> env = std::nullopt;
  /// Borrowed; -1: /dev/null.
  int stdin_fd = -1;
  /// Bytes kept of stdout and of stderr each. What is beyond is read and dropped.
  std::size_t capture_limit = std::numeric_limits<std::size_t>::max();
  /// After this time the program is killed and the answer is an error at Stage::wait, ETIMEDOUT.
  std::optional<std::chrono::milliseconds> deadline = std::nullopt;
  Until until = Until::exit;
};

struct Exited {
  int code;
  friend bool operator==(const Exited&, const Exited&) = default;
};

struct Signaled {
  int signal;
  bool core_dumped;
  friend bool operator==(const Signaled&, const Signaled&) = default;
};

/// The end of a program that was started.
struct Finished {
  std::variant<Exited, Signaled> how;
  std::string out;
  std::string err;
  bool out_truncated = false;  ///< `out` is cut at Command::capture_limit
  bool err_truncated = false;

  bool succeeded() const { return how == std::variant<Exited, Signaled>(Exited{0}); }
};

/// Executes the command in the network namespace `target`.
///
/// Fails at
///   Stage::open         the target could not be opened (see Netns::open)
///   Stage::pipe         EMFILE, ENFILE: no descriptors are left (pipe2(2)); EBADF: stdin_fd is
///   closed Stage::clone        EAGAIN, ENOMEM: no process could be created; EMFILE: no descriptor
///   is left for
///                       its pidfd (clone(2))
///   Stage::setns_net    EPERM: CAP_SYS_ADMIN is missing in the caller's user namespace or in the
///                       one that owns the target; EINVAL: no network namespace; EBADF: no usable
///                       descriptor (setns(2))
///   Stage::descriptors  ENOSYS: the kernel is older than 5.9 (close_range(2))
///   Stage::exec         ENOENT, EACCES, ENOEXEC, ETXTBSY, E2BIG… as execve(2) gives it; EINVAL for
///                       a command without argv, or with a NUL byte in a string
///   Stage::wait         ETIMEDOUT: the deadline; ECHILD: the caller ignores SIGCHLD or another of
///                       its threads took the status (waitid(2)), so that the end is unknown
/// A signal that kills the child before it becomes the program is an error of the stage it was in,
/// with Error::signal set. (Before Linux 5.16 a signal that dumps core ends the caller along with
/// the child, because they share memory: zap_threads in fs/coredump.c.)
///
/// The child shares the caller's memory until it executes the program, so that the cost does not
/// grow with the caller; the calling thread is suspended meanwhile (CLONE_VFORK, clone(2)).
Result<Finished> exec_in_netns(const Target& target, const Command& command);

/// Executes the command in the user namespace and the network namespace of `target`, joined in this
/// order, as `nsenter -U -n --preserve-credentials` does. This is the rootless way: who owns the
/// user namespace has all capabilities inside it (user_namespaces(7)).
///
/// Fails as exec_in_netns does, and at
///   Stage::setns_user   EPERM: the user namespace is someone else's; EINVAL: it is the caller's
///   own
///                       already (setns(2))
/// When the user namespace is joined and the network namespace refuses, the child ends: the caller
/// is never left half inside. The child is a copy of the caller, not a sharer of its memory,
/// because joining a user namespace clears the `dumpable` attribute of all who share it
/// (commit_creds in kernel/cred.c).
Result<Finished> exec_in_user_netns(const UserTarget& target, const Command& command);

}  // namespace nsgate
