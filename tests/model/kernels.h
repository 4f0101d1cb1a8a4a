// SPDX-License-Identifier: Apache-2.0
//
// Where kernels differ, as far as a model has to know: since when, and how that is known. What came
// with a stable update is told by the patch levels in which it was seen.
#pragma once

#include <compare>

namespace nsgate::model {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

/// PIDFD_GET_NET_NAMESPACE and its like: Linux 6.11, fs/pidfs.c.
bool has_pidfd_ioctls(const Version& kernel);
/// Whether a pidfd asks for access also where it does not know the request: until Linux 6.13,
/// pidfd_ioctl in fs/pidfs.c.
bool checks_before_it_knows(const Version& kernel);
/// Whether it asks for access before it looks whether there is something to access: measured in
/// 6.12.117 and 7.2.13, but not in 6.18.44.
bool pidfd_asks_for_access_first(const Version& kernel);
/// Of pidfd_open for a thread that does not lead: ENOENT since Linux 6.16, pidfd_prepare in
/// kernel/fork.c (measured: 6.18.44, 7.2.13), before that EINVAL.
int pidfd_of_a_thread_error(const Version& kernel);
/// SO_NETNS_COOKIE: Linux 5.14, net/core/sock.c.
bool has_cookies(const Version& kernel);
/// Whether a thread that ended while it was not dumpable stays out of reach: 31e62c2ebbfd "ptrace:
/// slightly saner 'get_dumpable()' logic". Measured: 5.10.262, 6.1.192, 6.12.117, 6.18.44, 7.2.13.
bool notes_dumpable_of_the_dead(const Version& kernel);
/// Whether the attribute, and the user namespace that it is of, outlive the memory, and are the
/// same for all threads: measured in 7.2.13, but not in 6.12.117.
bool keeps_dumpable_of_the_dead(const Version& kernel);
/// "pidfd: getfd should always report ESRCH if a task is exiting": Linux 6.9; measured: 5.10.262,
/// 6.1.192.
bool tells_dead_from_closed(const Version& kernel);
/// "capabilities: require CAP_SETFCAP to map uid 0": Linux 5.12; measured: 5.10.262.
bool asks_for_setfcap(const Version& kernel);
/// Whether the link of a refused namespace leads to its directory: measured in 5.10.262 alone.
bool leads_astray(const Version& kernel);
/// Whether /proc/PID/fdinfo/N has mode 0400: until Linux 5.14, tid_fd_update_inode in fs/proc/fd.c.
bool hides_fdinfo(const Version& kernel);

}  // namespace nsgate::model
