// SPDX-License-Identifier: Apache-2.0
//
// A program to execute, and the end of it.
//
//   nsgate::Command command{.argv = {"nft", "-f", "-"}, .stdin_bytes = rules, .deadline = 5s};
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nsgate/error.h"

namespace nsgate {

struct Command {
  enum class Until {
    exit,         ///< return when the program ends, with all that it had written by then
    end_of_file,  ///< and every process that inherited its stdout and stderr has closed them, too
  };
  enum class Stream { out, err };
  struct Credentials {
    uid_t uid;
    gid_t gid;
    std::vector<gid_t> groups = {};  ///< supplementary ones
  };
  struct Passed {
    int fd;  ///< borrowed
    int as;  ///< its number in the program; 3 or more, and below RLIMIT_NOFILE by far: see `pass`
  };

  /// The program and its arguments. A name without a slash is looked up in the program's own PATH,
  /// as execvp(3) does; a script without an interpreter line is not given to a shell.
  /// Test: Exec.NameIsLookedUpInTheProgramsOwnPath, Exec.LookUpPassesOver*, Exec.ReportsTheErrno*.
  std::vector<std::string> argv;

  /// "NAME=value" each; nothing set: the caller's environment.
  std::optional<std::vector<std::string>> env = std::nullopt;
  /// Variables besides; one that is there already is replaced.
  /// Test: Exec.EnvironmentIs*, Exec.AddedVariablesReplace*, Exec.ProgramIsLookedUpInAnAddedPath.
  std::vector<std::string> env_add = {};
  /// Where the program starts, as its own ids see it; empty: the caller's. A relative program is
  /// looked up from there. Test: Exec.Directory*, Exec.ProgramStartsInItsDirectory,
  /// Exec.RelativeProgram*.
  std::string directory = {};

  /// Borrowed; -1: /dev/null.
  int stdin_fd = -1;
  /// What the program reads instead, as a file. Test: Exec.Stdin*, Exec.TwoInputsAreRefused.
  std::optional<std::string> stdin_bytes = std::nullopt;
  /// 0, 1 and 2 are the caller's, nothing is captured, and what is said of stdin is ignored.
  /// Test: Exec.InheritedStreams*, Exec.WhatIsSaidOfStdin*.
  bool inherit_stdio = false;
  /// Descriptors of the program besides 0, 1 and 2. What core hands to the child has numbers above
  /// them until the program is executed: under the caller's RLIMIT_NOFILE up to 11 must be free
  /// above the highest `as`, and one more for each that is passed; else EINVAL or EMFILE, at
  /// Stage::pipe. Test: Exec.Passed*, Exec.NumberBeyond*, Exec.NumberBelowTheLimit*.
  std::vector<Passed> pass = {};

  /// Bytes kept of a stream. What is beyond is read and dropped. Test: Exec.CaptureLimit*,
  /// Exec.EachStreamHasALimitOfItsOwn.
  std::size_t out_limit = std::numeric_limits<std::size_t>::max();
  std::size_t err_limit = std::numeric_limits<std::size_t>::max();
  /// Gets the output as it comes, on the calling thread, instead of Finished. An exception from it
  /// ends the program and leaves the call. Test: Exec.Callback*, Exec.ExceptionOfTheCallback*.
  std::function<void(Stream, std::string_view)> on_output = nullptr;

  /// After this time the program is killed and the answer is an error at Stage::wait, ETIMEDOUT.
  /// Test: Exec.Deadline*, Exec.AnEndlessDeadline*, Exec.NegativeDeadline*.
  std::optional<std::chrono::milliseconds> deadline = std::nullopt;
  /// Test: Exec.ReturnsAtTheExit*, Exec.WaitsForTheEndOfTheStreamsWhenAsked.
  Until until = Until::exit;
  /// The program leads a process group of its own (setpgid(2)), and what kills it kills the group.
  /// Test: Exec.ProgramIsInTheCallersGroup*, Exec.DeadlineKillsTheWholeGroup*.
  bool own_group = false;

  /// Who the program is. Nothing set: root inside of a user namespace that is joined, without
  /// supplementary groups where the namespace lets them be dropped; the caller where none is.
  /// Test: ExecInUserNetns.GivenCredentials*, ExecInUserNetns.ProgramIsRootInside*,
  /// ExecInUserNetns.Groups*, Exec.CallersCredentialsAreKept*.
  std::optional<Credentials> credentials = std::nullopt;
  /// Instead: no id is changed, as by `nsenter --preserve-credentials`. Of a program that is not
  /// root inside, execve(2) takes the capabilities away. Test: ExecInUserNetns.Preserved*,
  /// ExecInUserNetns.ProgramOfAnUnmappedCaller*.
  bool preserve_credentials = false;
  /// PR_SET_NO_NEW_PRIVS(2const). Test: Exec.ProgramCanBeKeptFromNewPrivileges.
  bool no_new_privs = false;
  /// Sent to the program when the calling *thread* ends (PR_SET_PDEATHSIG(2const)); 0: none.
  /// Test: Exec.ProgramHasTheParentDeathSignal*, Exec.ProgramDiesWith*, Exec.ProgramOfAParent*.
  int parent_death_signal = 0;
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

/// It ended, but nobody can say how: the caller ignores SIGCHLD, or another of its threads took the
/// status (waitid(2), ECHILD), or a signal ended it and no descriptor was left to ask /proc whether
/// it was the program already. Test: Exec.UnknowableEnd*, Exec.EndThatAnotherThreadTook*,
/// ExecInUserNetns.DeathIsUnknown*.
struct Unknown {
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using End = std::variant<Exited, Signaled, Unknown>;

/// A program that was started and has ended. Test: Exec.BothStreamsArrive*, Exec.DeathBySignal*,
/// Exec.CoreFlagIsTheKernels.
struct Finished {
  End how;
  std::string out;
  std::string err;
  bool out_truncated = false;  ///< `out` is cut at Command::out_limit
  bool err_truncated = false;

  bool succeeded() const { return how == End(Exited{0}); }
};

/// The exit code of a wrapper, as env(1) and shells have it: the program's own; 128+n for signal n;
/// 127 where the program was not found, 126 where it could not be executed; 125 for all else, an
/// unknown end included. Test: ExitCode.*, Exec.EachEndHasTheExitCodeOfAWrapper.
int exit_code(const Result<Finished>& ended);

}  // namespace nsgate
