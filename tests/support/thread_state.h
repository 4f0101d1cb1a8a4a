// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of this process's threads, as events to wait for.
#pragma once

#include <sys/types.h>

namespace nsgate::test {

/// Returns when thread `tid` of this process sleeps in a system call, or is gone.
void wait_until_asleep(pid_t tid);

/// Returns when the calling thread is the only one. pthread_join(3) returns a little before the
/// kernel has taken the joined thread out of the process, which setns(2) with CLONE_NEWUSER sees.
void wait_until_single_threaded();

}  // namespace nsgate::test
