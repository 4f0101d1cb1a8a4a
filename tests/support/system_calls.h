// SPDX-License-Identifier: Apache-2.0
//
// System calls by their errno, and those that glibc 2.36 does not offer to C++.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

#include "nsgate/fd.h"

namespace nsgate::test {

/// errno when the call just made failed, else 0: error_of(::setns(fd, 0)).
inline int error_of(long result) { return result < 0 ? errno : 0; }
inline int error_of(const Fd& opened) { return opened ? 0 : errno; }

inline int setns_error(int fd, int type) { return error_of(::setns(fd, type)); }

/// Empty on failure, with errno set.
inline Fd pidfd_open(pid_t pid, unsigned flags = 0) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, flags)));
}

/// PIDFD_GET_NET_NAMESPACE of linux/pidfd.h, since Linux 6.11. Empty on failure, with errno set.
inline Fd netns_of_pidfd(const Fd& process) { return Fd(::ioctl(process.get(), _IO(0xFF, 4), 0)); }

/// Empty on failure, with errno set. `resolve` is of RESOLVE_….
inline Fd open_resolving(const char* path, unsigned resolve) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  how.resolve = resolve;
  return Fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how)));
}

}  // namespace nsgate::test
