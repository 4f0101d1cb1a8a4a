// SPDX-License-Identifier: Apache-2.0
//
// The next owner of a pid.
//
//   other.reap();
//   const Successor successor(pid);
#pragma once

#include <sys/types.h>

namespace nsgate::test {

/// A process, in the test's namespaces, with a pid that was another's. Throws std::system_error.
/// REQUIRES: root.
class Successor {
 public:
  explicit Successor(pid_t pid);
  Successor(const Successor&) = delete;
  ~Successor();

 private:
  pid_t pid_;
};

}  // namespace nsgate::test
