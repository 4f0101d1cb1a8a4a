// SPDX-License-Identifier: Apache-2.0
//
// Expectations that differ by kernel, as tables.
//
//   // pidfd_open(2): PIDFD_THREAD since Linux 6.9.
//   EXPECT_EQ(error, on_this_kernel<int>({{{0, 0}, EINVAL}, {{6, 9}, 0}}));
#pragma once

#include <compare>
#include <initializer_list>
#include <stdexcept>

namespace nsgate::test {

struct KernelVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};
static_assert(KernelVersion{6, 1} > KernelVersion{5, 19});

/// Of uname(2).
KernelVersion running_kernel();

template <typename T>
struct Since {
  KernelVersion since;
  T expected;
};

/// The expectation of the newest row that is not newer than the running kernel. Rows ascend.
template <typename T>
T on_this_kernel(std::initializer_list<Since<T>> table) {
  const Since<T>* match = nullptr;
  for (const auto& row : table) {
    if (row.since <= running_kernel()) match = &row;
  }
  if (match == nullptr) throw std::logic_error("the table has no row for this kernel");
  return match->expected;
}

}  // namespace nsgate::test
