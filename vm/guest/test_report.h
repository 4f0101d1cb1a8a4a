// SPDX-License-Identifier: Apache-2.0
//
// The report that a test left, which is only as good as the test: whatever lies in its place must
// neither block who reads it nor lead elsewhere.
#pragma once

#include <string>

namespace nsgate::guest {

/// Empty when there is none, when a link lies there, and when it is larger than 256 KiB.
std::string read_report(const char* path);

}  // namespace nsgate::guest
