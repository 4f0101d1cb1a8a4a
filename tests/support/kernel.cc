// SPDX-License-Identifier: Apache-2.0
#include "support/kernel.h"

#include <sys/utsname.h>

#include <cstdio>

namespace nsgate::test {

KernelVersion running_kernel() {
  utsname names{};
  KernelVersion version;
  if (::uname(&names) != 0 ||
      std::sscanf(names.release, "%d.%d", &version.major, &version.minor) != 2) {
    throw std::runtime_error("uname(2) tells no kernel version");
  }
  return version;
}

}  // namespace nsgate::test
