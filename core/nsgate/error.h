// SPDX-License-Identifier: Apache-2.0
//
// Why a namespace could not be entered: how far the attempt came, what the kernel said, and about
// what.
//
//   const auto ended = nsgate::exec_in_netns(nsgate::Target::process(4711), {.argv = {"ip", "a"}});
//   if (!ended) std::cerr << ended.error().message() << '\n';
//
//   setns(CLONE_NEWNET) of pid 4711: EPERM (Operation not permitted)
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace nsgate {

/// Where an attempt stopped. The order is that of an attempt.
enum class Stage : std::uint8_t {
  open,         ///< finding the namespaces, by the caller
  thread,       ///< starting the worker (in_netns, Resident)
  pipe,         ///< making the pipes and opening stdin (exec_in_…)
  clone,        ///< creating the child
  stdio,        ///< putting 0, 1 and 2 in place, in the child
  descriptors,  ///< closing every other descriptor, in the child
  setns_user,   ///< joining a user namespace, in the child
  setns_net,    ///< joining the network namespace, in the worker or the child
  setns_both,   ///< joining both at once, in the child
  credentials,  ///< taking the ids and attributes of the program, in the child
  directory,    ///< changing to the working directory, in the child
  exec,         ///< executing the program
  wait,         ///< collecting its output and its end: the program did run
  worker,       ///< the closure did run, and its thread ended without a result
};

/// "setns_net" for Stage::setns_net, and so on.
std::string_view to_string(Stage stage);

/// A failed attempt. A value: it holds no resource and refers to nothing. Test: Error.*,
/// Exec.EveryRefusedSystemCallHasItsStageAndKeepsItsErrno.
struct Error {
  Stage stage;
  /// The errno, as the kernel gave it. 0 where no system call failed: a worker that ended by
  /// itself, or a child that a signal killed.
  int code = 0;
  /// What it was about: a pid, a path, a program.
  std::string operands = {};
  /// The signal that killed the child before it became the program, or 0.
  int signal = 0;
  /// What the errno alone does not tell, such as "not a namespace"; or empty.
  std::string note = {};

  /// One line for a person: the stage, the operands, the errno by name and by meaning, the note.
  std::string message() const;
};

/// What the entry functions return. The error arm means that entering or starting failed, or (at
/// Stage::wait) that a started program was ended by its deadline; never that it ran and failed.
template <typename T>
using Result = std::expected<T, Error>;

}  // namespace nsgate
