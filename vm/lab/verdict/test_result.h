// SPDX-License-Identifier: Apache-2.0
//
// The verdict on one test in one cell. The words are those of KCIDB, because they tell whose fault
// it is: the code's (FAIL), the test's (ERROR) or the lab's (MISS).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace nsgate::lab {

enum class Status { pass, fail, error, miss, skip };

constexpr std::string_view to_string(Status status) {
  switch (status) {
    case Status::pass:
      return "PASS";
    case Status::fail:
      return "FAIL";
    case Status::error:
      return "ERROR";
    case Status::miss:
      return "MISS";
    case Status::skip:
      return "SKIP";
  }
  return "?";
}

struct TestResult {
  std::string test;  ///< "Suite.Name"
  Status status = Status::miss;
  std::string reason;                   ///< empty for a pass
  std::vector<std::string> behaviours;  ///< the claims that it proves
  std::chrono::microseconds time{0};    ///< by the guest's clock
  std::string output;                   ///< the end of what it printed
};

}  // namespace nsgate::lab
