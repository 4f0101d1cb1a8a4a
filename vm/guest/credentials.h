// SPDX-License-Identifier: Apache-2.0
//
// Who a test is.
#pragma once

#include "frame/plan.h"

namespace nsgate::guest {

/// Turns the calling process for good into the plan's user. A rootless one has lost every group and
/// every capability of its own, which is verified; as on any host, the bounding set is full and
/// no_new_privs is unset. Null, or the step that failed, with its errno or 0 in errno.
/// Async-signal-safe.
const char* become(frame::User user);

}  // namespace nsgate::guest
