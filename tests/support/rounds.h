// SPDX-License-Identifier: Apache-2.0
//
// How often a test repeats what it does: as little as shows the principle, or as NSGATE_ROUNDS
// says.
//
//   NSGATE_ROUNDS=100000 nsgate_tests --gtest_filter='Leak.*'
#pragma once

#include <cstdlib>

namespace nsgate::test {

inline int rounds(int standard) {
  const char* asked = std::getenv("NSGATE_ROUNDS");
  return asked != nullptr ? std::atoi(asked) : standard;
}

/// Whether a test tries everything that it knows of, and not only a part that stands for it:
/// NSGATE_THOROUGH=1, as CTest says. Guests are twenty times as slow.
inline bool thorough() { return std::getenv("NSGATE_THOROUGH") != nullptr; }

}  // namespace nsgate::test
