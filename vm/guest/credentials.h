// SPDX-License-Identifier: Apache-2.0
//
// Who a test is.
//
//   if (const auto lacking = prepare(plan.user)) …   // once, before any policy is applied
//   if (const char* step = become(plan.user)) …      // in the process that becomes a test
//
// Not thread-safe.
#pragma once

#include "frame/plan.h"
#include "guest/knob.h"

namespace nsgate::guest {

/// Makes what the plan's user needs: for a nested one the user namespace that all tests enter,
/// owned by uid 1000, with uid 0 mapped to 1000 and 1 to 65535 to the subordinate ids from 100000,
/// as newuidmap(1) does it for a rootless container. Says what a kernel lacks; gives up over all
/// else.
Lacking prepare(frame::User user);

/// Turns the calling process for good into the plan's user. A rootless one has lost every group and
/// every capability of its own, which is verified; as on any host, the bounding set is full and
/// no_new_privs is unset. A nested one has every capability in its user namespace and none outside,
/// and a mount namespace of its own. Null, or the step that failed, with its errno or 0 in errno.
/// Async-signal-safe.
const char* become(frame::User user);

}  // namespace nsgate::guest
