// SPDX-License-Identifier: Apache-2.0
//
// Everything that runs between clone and the program. Private to core.
//
// The child may share the caller's memory and may be a copy of one thread of many, so it makes
// system calls and nothing else: a test checks that child.o needs no symbol from anywhere.
//
//   a network namespace only    the child shares the caller's memory, arranges, enters
//   a user namespace, or ids    the same child arranges, and executes the stub (stub.cc), a tiny
//                               program with memory of its own, which enters
//   the stub cannot be used     the child is a copy of the caller, arranges, enters
//
// A child in another user namespace or with other ids must not share the caller's memory: the
// kernel would clear the caller's `dumpable` attribute (commit_creds in kernel/cred.c), and whoever
// may trace the child there could reach that memory.
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nsgate/error.h"
#include "nsgate/join.h"

namespace nsgate::detail {

/// How far the child came. It lives in memory that the caller sees, and the caller reads it after
/// the child's end: whatever ended the child, its last stage stands here. Written and read as
/// volatile.
struct Record {
  Stage stage = Stage::clone;
  int code = 0;          ///< the errno of the stage, if it failed
  bool in_stub = false;  ///< the stub runs or did run
  int stub_refused = 0;  ///< the errno with which the stub could not take the caller's place
};

/// A part of the message, by its distance from the start of the plan, so that it is good in the
/// stub's memory, too.
using Offset = std::size_t;

/// What the child has to do. Followed in memory by what its offsets name.
///
/// Descriptors end up so:  0 1 2  passed ones …  |base: one for each step, the message|
/// All of those named here are beyond, so that putting one in its place never overwrites another.
struct ChildPlan {
  static constexpr int max_steps = 3;

  Record record;

  int base;  ///< one past the program's highest descriptor
  int in;    ///< -1: 0, 1 and 2 stay as they are
  int out;
  int err;
  int message;    ///< the file that holds this plan and the stub; -1: without the stub
  Offset passed;  ///< Command::Passed
  int passed_count;

  JoinStep steps[max_steps];
  int step_count;

  bool become;  ///< take uid, gid and groups
  uid_t uid;
  gid_t gid;
  Offset groups;
  int group_count;
  bool keep_denied_groups;  ///< a user namespace may forbid setgroups(2)
  bool own_group;
  bool no_new_privs;
  int parent_death_signal;
  pid_t parent;
  Offset directory;  ///< 0: none
  Offset programs;   ///< strings, one behind the other: the paths to try in turn
  int program_count;

  // For the stub.
  char name[16];  ///< its own, by which its death is told from the program's
  __user_cap_data_struct capabilities[2];  ///< the caller's, which execve(2) changes

  char* const* argv;
  char* const* envp;
};
static_assert(std::is_trivially_destructible_v<ChildPlan>);

/// Where the plan is in the message; before it is the stub. Together they fit a page.
constexpr std::size_t plan_offset = 3072;

/// Puts descriptors in place, for the program (`for_stub` false) or for the stub. False: failed,
/// and the record tells.
bool arrange(ChildPlan& plan, bool for_stub) noexcept;
/// Joins, takes the program's attributes and becomes the program. Returns when that failed, and the
/// record tells. `fresh`: execve(2) has taken the caller's signal handlers away already. REQUIRES:
/// `arrange`; all signals are blocked, unless the process is the caller's own to give away.
void enter(ChildPlan& plan, bool fresh) noexcept;

/// Starts the child, whose life is `arrange` and what comes after. The pid, or -errno. `flags` and
/// `pidfd` as clone(2) has them. REQUIRES: all signals are blocked; `stack_end` is aligned to 16.
long start_child(unsigned long flags, void* stack_end, int* pidfd, ChildPlan& plan) noexcept;

}  // namespace nsgate::detail
