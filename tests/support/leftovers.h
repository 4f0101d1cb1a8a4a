// SPDX-License-Identifier: Apache-2.0
//
// Whatever an operation could leave behind in its process, compared before and after.
//
//   const Leftovers before;
//   …
//   EXPECT_EQ(before.found(), "");
#pragma once

#include <string>

#include "support/process_state.h"

namespace nsgate::test {

/// REQUIRES: the calling thread is the only one.
class Leftovers {
 public:
  Leftovers();
  /// Descriptors, children, threads, shared mappings, and everything of ProcessState, the ability
  /// to be cancelled included. Waits until threads that were joined are gone.
  std::string found() const;

 private:
  ProcessState state_;
  std::string mappings_;
  int cancellation_;
};

}  // namespace nsgate::test
