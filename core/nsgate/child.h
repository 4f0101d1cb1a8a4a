// SPDX-License-Identifier: Apache-2.0
//
// Everything that runs between clone and exec. Private to core.
//
// The child may share the caller's memory and may be a copy of one thread of many, so run_child
// makes only async-signal-safe calls (signal-safety(7)) and all that it needs is made before it
// starts. A test checks the symbols of child.o against a list.
#pragma once

#include <limits.h>

#include <type_traits>

#include "nsgate/error.h"

namespace nsgate::detail {

/// What the child has to do. No descriptor of it is below 3, except user and net.
struct ChildPlan {
  bool join_user;  ///< false: stay in the caller's user namespace
  int user;        ///< namespace file
  int net;         ///< namespace file
  int in;
  int out;
  int err;
  int report;                   ///< write end of a pipe of Reports
  const char* const* programs;  ///< paths to try in turn, as execvp(3) tries PATH; ends in nullptr
  char* const* argv;
  char* const* envp;
};
static_assert(std::is_trivially_destructible_v<ChildPlan>);

/// Sent when a stage begins (code 0) and when it fails (errno). The last one therefore tells how
/// far the child came, even when a signal killed it; after a last one of {exec, 0} it is the
/// program.
struct Report {
  Stage stage;
  int code;
};
static_assert(std::is_trivially_copyable_v<Report> && sizeof(Report) <= PIPE_BUF);

/// The child's life, for clone(2). `plan` is a ChildPlan. Returns only by ending the process.
/// REQUIRES: all signals are blocked.
int run_child(void* plan) noexcept;

}  // namespace nsgate::detail
