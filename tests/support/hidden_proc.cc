// SPDX-License-Identifier: Apache-2.0
#include "support/hidden_proc.h"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>

namespace nsgate::test {

int hide_proc() {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
    return errno;
  }
  return 0;
}

}  // namespace nsgate::test
