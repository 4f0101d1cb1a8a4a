// SPDX-License-Identifier: Apache-2.0
//
// The end of a guest whose init cannot do its work.
//
//   if (::mount(…) != 0) give_up("mount proc on /proc", errno);
//
// Prints one line on the console and restarts the machine without a `bye` frame, so that the lab
// never takes an init that failed for a kernel that passed. Not thread-safe; init has one thread.
#pragma once

#include <string_view>

namespace nsgate::guest {

/// The step that failed and its errno, or 0 when it has none.
[[noreturn]] void give_up(std::string_view step, int error);
[[noreturn]] void give_up(std::string_view reason);

/// Restarts the machine; QEMU's -no-reboot makes that its end.
[[noreturn]] void restart();

}  // namespace nsgate::guest
