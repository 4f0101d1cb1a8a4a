// SPDX-License-Identifier: Apache-2.0
//
// The floor of the thread strategy: the system calls that it consists of, and nothing else.
#pragma once

#include <string>

namespace nsgate::bench {

/// Starts a thread that does nothing and joins it. 0 or an errno.
int start_and_join();

/// Opens the namespace file, joins it on a new thread, and closes it. 0 or an errno.
int enter_barely(const std::string& path);

}  // namespace nsgate::bench
