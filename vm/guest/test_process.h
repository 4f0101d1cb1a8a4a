// SPDX-License-Identifier: Apache-2.0
//
// One test, run in a process, a session and a directory of its own.
//
//   const Outcome outcome = run_test(plan, "InNetns.Returns", [&] { port.send("beat", "{}"); });
//
// What the test did is an outcome. What kept it from starting is init's failure and gives up.
// REQUIRES: SIGCHLD is blocked and the caller is PID 1. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "frame/plan.h"

namespace nsgate::guest {

struct Outcome {
  int wait_status = 0;                   ///< as waitpid(2) gives it
  std::chrono::microseconds duration{};  ///< from its start to its end
  bool timed_out = false;                ///< the deadline passed and init killed it
  bool stuck = false;                    ///< a process survived SIGKILL: trust nothing further
  std::string xml;                       ///< GoogleTest's report; empty when there is none
  std::string output;                    ///< the end of stdout and stderr together
};

/// The plan's deadline is stretched by `slow_thousandths` / 1000 (guest/slow_factor.h).
/// Returns when the test and all its descendants are gone. Calls `beat` about once a second while
/// the test runs.
Outcome run_test(const frame::Plan& plan, const std::string& test, unsigned slow_thousandths,
                 const std::function<void()>& beat);

}  // namespace nsgate::guest
