// SPDX-License-Identifier: Apache-2.0
//
// What entering could change about the calling thread and its process, to see that a refused
// attempt changed nothing.
//
//   const ProcessState before;
//   …
//   EXPECT_EQ(ProcessState(), before);
#pragma once

#include <map>
#include <ostream>
#include <string>

#include "support/open_fds.h"

namespace nsgate::test {

/// Namespaces, credentials, capabilities, signals, cwd, root, umask, the attributes of prctl(2),
/// and open descriptors.
class ProcessState {
 public:
  ProcessState();
  friend bool operator==(const ProcessState&, const ProcessState&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ProcessState& state);

 private:
  std::map<std::string, std::string> facts_;
  OpenFds fds_;
};

}  // namespace nsgate::test
