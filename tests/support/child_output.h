// SPDX-License-Identifier: Apache-2.0
//
// What a child printed until it ended: for children that become another program.
//
//   const auto child = output_of_child([] { return ::execl(…); });
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace nsgate::test {

struct ChildOutput {
  pid_t pid;   ///< as it was; the child is reaped
  int status;  ///< of waitpid(2)
  std::string out;
};

/// Forks a child that calls f(), with stdout in a pipe, and exits with what f returned.
ChildOutput output_of_child(const std::function<int()>& f);

}  // namespace nsgate::test
