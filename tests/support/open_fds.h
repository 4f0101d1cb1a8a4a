// SPDX-License-Identifier: Apache-2.0
//
// A snapshot of the open descriptors, to see that a call left none behind.
//
//   const OpenFds before;
//   …
//   EXPECT_EQ(OpenFds(), before);
#pragma once

#include <map>
#include <ostream>
#include <string>

namespace nsgate::test {

class OpenFds {
 public:
  OpenFds();
  friend bool operator==(const OpenFds&, const OpenFds&) = default;
  friend std::ostream& operator<<(std::ostream& out, const OpenFds& fds);

 private:
  std::map<int, std::string> names_;  // descriptor to what it refers to
};

}  // namespace nsgate::test
