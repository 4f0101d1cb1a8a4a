// SPDX-License-Identifier: Apache-2.0
//
// A file of /proc that init cannot do without, also where the tests have no /proc. Gives up when it
// cannot be read. Not thread-safe.
#pragma once

#include <string>

namespace nsgate::guest {

/// The whole of it, such as read_proc("self/mountinfo").
std::string read_proc(const std::string& path);

}  // namespace nsgate::guest
