// SPDX-License-Identifier: Apache-2.0
//
// listns(2), since Linux 6.19: the ids of namespaces.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "support/newer_interfaces.h"

namespace nsgate::test {

struct Listed {
  int error;
  std::vector<std::uint64_t> ids;
  bool has(std::uint64_t id) const { return std::ranges::find(ids, id) != ids.end(); }
};

/// As far as it goes, `batch` at a time.
inline Listed list_namespaces(NamespaceIdRequest request, std::size_t batch = 64) {
  Listed listed{};
  std::vector<std::uint64_t> part(batch);
  while (true) {
    const long found = ::syscall(sys_listns, &request, part.data(), part.size(), 0);
    // ENOENT: there is none after that one (measured on 7.2.13).
    const bool after_the_last = found < 0 && errno == ENOENT && request.after != 0;
    if (found < 0 && !after_the_last) listed.error = errno;
    if (found <= 0) return listed;
    listed.ids.insert(listed.ids.end(), part.begin(), part.begin() + found);
    request.after = listed.ids.back();
  }
}

}  // namespace nsgate::test
