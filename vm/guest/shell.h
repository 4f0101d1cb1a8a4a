// SPDX-License-Identifier: Apache-2.0
//
// A shell for a person in place of tests: on the first serial port, which is the console.
#pragma once

#include "frame/plan.h"

namespace nsgate::guest {

/// Runs the plan's shell as the plan's user, with the port as its controlling terminal and in the
/// directory that a test would have, until it ends; then ends whatever it left behind. Gives up
/// where the shell cannot be started. REQUIRES: SIGCHLD is blocked. Not thread-safe.
void run_shell(const frame::Plan& plan);

}  // namespace nsgate::guest
