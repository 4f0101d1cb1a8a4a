// SPDX-License-Identifier: Apache-2.0
//
// Whether the caller is in the machine's first user namespace.
#pragma once

#include <fstream>

namespace nsgate::test {

/// Of the process; false also where /proc does not tell.
inline bool in_initial_userns() {
  // Only the initial user namespace maps every id (user_namespaces(7)).
  unsigned long inside = 1;
  unsigned long outside = 1;
  unsigned long count = 0;
  std::ifstream("/proc/self/uid_map") >> inside >> outside >> count;
  return inside == 0 && outside == 0 && count == 4294967295ul;
}

}  // namespace nsgate::test
