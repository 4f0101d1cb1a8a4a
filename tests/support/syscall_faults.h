// SPDX-License-Identifier: Apache-2.0
//
// Faults on purpose, one system call at a time: a tracer (ptrace(2)) follows an operation with its
// threads and children, and lets the call that it is told fail. The code under test knows nothing
// of it, and also calls that pass by the C library are met.
//
//   const Trace seen = trace(enter);
//   for (const auto& call : seen.calls) {
//     EXPECT_EQ(trace(enter, {{.call = call, .kind = Fault::Kind::error, .value = ENOMEM}}), …);
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/ended.h"

namespace nsgate::test {

/// A call is named by who makes it and what it is about: "caller openat /dev/null", "child setns
/// net". Who: caller (the thread that runs the operation), worker (another thread of it), child,
/// stub (a child that executed a file by its descriptor).
struct Fault {
  enum class Kind {
    error,          ///< the call is not made and fails with `value`, an errno
    late_error,     ///< it is made, and is told to have failed with `value`
    result,         ///< it is not made and returns `value`
    kill_at_entry,  ///< SIGKILL before it is made
    kill_at_exit,   ///< SIGKILL after it was made
    forbid,         ///< it is made as a call of which a seccomp filter kills (SIGSYS)
  };
  std::string call;
  int nth = 0;  ///< among the calls of this name; -1: every one
  Kind kind = Kind::error;
  int value = 0;
};

struct Trace {
  Ended ended;
  std::string left_behind;         ///< what was not there before the operation; empty: nothing
  std::vector<std::string> calls;  ///< in their order; those of the program are not followed
  std::string hang;  ///< what everyone was doing when the operation did not end; empty: it did
  int faults = 0;    ///< injected
};

/// Runs the operation in a child of the caller, which is followed. Throws std::system_error when
/// that cannot be done. x86-64 only.
Trace trace(const std::function<Ended()>& operation, const std::vector<Fault>& faults = {});

}  // namespace nsgate::test
