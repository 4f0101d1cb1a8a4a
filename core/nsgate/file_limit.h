// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_FSIZE, asked before a file is written. Private to core.
#pragma once

#include <sys/resource.h>

#include <cerrno>
#include <cstddef>

namespace nsgate::detail {

/// False, with EFBIG: the caller's limit forbids a file of this size, a memfd's included, and the
/// attempt would end the caller by SIGXFSZ (setrlimit(2)).
inline bool may_grow_to(std::size_t size) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur) return true;
  errno = EFBIG;
  return false;
}

}  // namespace nsgate::detail
