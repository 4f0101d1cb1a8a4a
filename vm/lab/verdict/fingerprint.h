// SPDX-License-Identifier: Apache-2.0
//
// What two reports of the same kernel fault have in common.
#pragma once

#include <string>
#include <string_view>

namespace nsgate::lab {

/// The first line of `report` without numbers, addresses and offsets, then up to five functions of
/// its call trace, the innermost first, those marked unreliable ("? f+0x1/0x2") left out:
/// "WARNING: CPU: # PID: # at net/core/dev.c:# f | f < g < h". Thread-safe.
std::string fingerprint_of(std::string_view report);

}  // namespace nsgate::lab
