// SPDX-License-Identifier: Apache-2.0
//
// Init's own view of /proc, by a descriptor: it stays when a profile hides /proc or takes it away
// from the tests.
//
// REQUIRES: keep_proc() once /proc is mounted. Every failure gives up. Not thread-safe.
#pragma once

#include <string>

namespace nsgate::guest {

void keep_proc();

/// For openat(2) and its like; never closed.
int proc_fd();

/// The whole of a file, such as read_proc("self/mountinfo").
std::string read_proc(const char* path);

}  // namespace nsgate::guest
