// SPDX-License-Identifier: Apache-2.0
//
// The policy of a cell: put into effect and verified, so that what a test saw it saw under it.
//
//   if (const auto reason = apply(plan.settings, plan.user)) port.send("unavailable", …);   // in
//   init, once if (const char* step = confine(plan.settings)) return step;   // in each test's
//   process
//
// Not thread-safe; init has one thread.
#pragma once

#include <vector>

#include "frame/plan.h"
#include "guest/knob.h"

namespace nsgate::guest {

/// Sets and verifies what is the machine's, in order, and tries in a child what is a process's.
/// Why the kernel cannot do it, or why nobody becomes the user under it, or nothing. Gives up where
/// a knob is there and does not take.
Lacking apply(const std::vector<frame::Setting>& settings, frame::User user);

/// For a test's process, as root: sets and verifies what is a process's. The settings are those
/// that were applied.
FailedStep confine(const std::vector<frame::Setting>& settings);

}  // namespace nsgate::guest
