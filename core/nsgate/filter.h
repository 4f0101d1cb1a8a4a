// SPDX-License-Identifier: Apache-2.0
//
// Whose refusal it was, the kernel's or a seccomp filter's. Private to core.
#pragma once

#include <sched.h>

#include <cerrno>
#include <string>

namespace nsgate::detail {

/// For Error::note, after setns(2) failed with `code` in this thread or its child: a filter refuses
/// even a descriptor of which the kernel would say EBADF. Empty: the kernel's own.
inline std::string filter_note(int code) {
  if (code != EPERM && code != ENOSYS) return {};
  return ::setns(-1, CLONE_NEWNET) != 0 && errno != EBADF ? "by a seccomp filter" : "";
}

}  // namespace nsgate::detail
