// SPDX-License-Identifier: Apache-2.0
//
// What can be done to processes, threads, namespaces and descriptors, as plain bytes: every
// sequence of them is a sequence of operations, because each operand counts among what there is at
// the time.
//
//   const auto operations = decode(bytes);
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

namespace nsgate::model {

enum class Kind : std::uint8_t {
  start,             ///< a process in the state of the test; with an odd b as the other uid
  fork,              ///< a process in the state of the actor
  new_thread,        ///< of the actor's process
  exit_thread,       ///< the actor ends alone, even when it leads its process
  exit_process,      ///< the actor's, with all threads
  reap,              ///< process a
  unshare_net,       ///< a network namespace
  unshare_user,      ///< a user namespace without maps
  unshare_map,       ///< a user namespace in which the actor is root
  unshare_both,      ///< a user namespace without maps that owns a network namespace
  open_net,          ///< /proc/…/ns/net of thread b of process a
  open_user,         ///< /proc/…/ns/user of thread b of process a
  open_path,         ///< /proc/…/ns/net of the same with O_PATH
  pidfd_open,        ///< of thread b of process a
  pidfd_net,         ///< PIDFD_GET_NET_NAMESPACE of descriptor a
  pidfd_user,        ///< PIDFD_GET_USER_NAMESPACE of descriptor a
  duplicate,         ///< descriptor a
  close,             ///< descriptor a
  setns,             ///< descriptor a, as what b says
  owner,             ///< NS_GET_USERNS of descriptor a
  parent,            ///< NS_GET_PARENT of descriptor a
  socket,            ///< where the actor is
  socket_net,        ///< SIOCGSKNS of descriptor a
  cookie,            ///< SO_NETNS_COOKIE of descriptor a
  pass,              ///< descriptor a to process b, by SCM_RIGHTS
  take,              ///< by pidfd_getfd, through descriptor a, descriptor b
  drop,              ///< capability a; for good or, with an odd b, from the effective ones
  raise,             ///< all permitted capabilities become effective
  dumpable,          ///< PR_SET_DUMPABLE, to whether a is odd
  become_user,       ///< setresgid and setresuid to the other uid; with an odd b dumpable as its
                     ///< programs are
  in_netns_process,  ///< core's, into process a
  in_netns_pidfd,    ///< core's, by descriptor a as a pidfd
  in_netns_file,     ///< core's, by descriptor a as a namespace
  exec_both,         ///< core's exec_in_user_netns, into process a
};
inline constexpr std::size_t kinds = static_cast<std::size_t>(Kind::exec_both) + 1;

struct Operation {
  std::uint8_t kind = 0;   ///< a place in the table of kinds, in which common ones have several
  std::uint8_t actor = 0;  ///< among the threads that are alive
  std::uint8_t a = 0;
  std::uint8_t b = 0;
};

Kind kind_of(const Operation& operation);
std::string_view to_string(Kind kind);

/// Four bytes an operation; what is left over is ignored.
std::vector<Operation> decode(std::span<const std::uint8_t> bytes);

/// An operation with its operands found, by their places in what there is: what a Model predicts
/// and a Cast does.
struct Step {
  Kind kind = Kind::start;
  int process = 0;  ///< the actor's
  int thread = 0;   ///< the actor
  int target = 0;   ///< another process
  int target_thread = 0;
  int slot = 0;   ///< a descriptor of the actor's process
  int other = 0;  ///< a descriptor of the target
  int made = 0;   ///< where a new process, thread or descriptor goes
  int value = 0;  ///< flags, or a capability
  bool odd = false;
};
std::ostream& operator<<(std::ostream& out, const Step& step);

// What there is at most.
inline constexpr int max_processes = 6;  ///< those that were reaped included
inline constexpr int max_threads = 4;    ///< of a process; those that ended included
inline constexpr int max_slots = 12;
inline constexpr int max_depth = 4;  ///< of user namespaces

}  // namespace nsgate::model
