// SPDX-License-Identifier: Apache-2.0
//
// What a child did to its caller.
//
//   EXPECT_EQ(traces_of([&] { (void)exec_in_netns(target, command); }), none);
#pragma once

#include <functional>
#include <ostream>

namespace nsgate::test {

/// Each is true where the caller is no longer as it was.
struct Traces {
  bool state;     ///< ProcessState
  bool memory;    ///< a page that the caller wrote
  bool mappings;  ///< /proc/self/maps
  bool children;  ///< a child is left to be waited for
  friend bool operator==(const Traces&, const Traces&) = default;
};
std::ostream& operator<<(std::ostream& out, const Traces& traces);

/// The page that Traces::memory is about, for a child that shares it.
extern volatile int* const watched_page;

/// Calls `call` in a child of the test, and looks.
Traces traces_of(const std::function<void()>& call);

}  // namespace nsgate::test
