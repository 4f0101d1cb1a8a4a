// SPDX-License-Identifier: Apache-2.0
//
// Matchers for core's results, and how gtest prints them.
#pragma once

#include <gmock/gmock.h>

#include <ostream>

#include "nsgate/error.h"
#include "nsgate/exec.h"

namespace nsgate {

inline void PrintTo(const Error& error, std::ostream* out) {
  *out << to_string(error.stage) << ": " << error.message();
}

inline void PrintTo(const Exited& end, std::ostream* out) { *out << "exited " << end.code; }
inline void PrintTo(const Unknown&, std::ostream* out) { *out << "ended unknown"; }
inline void PrintTo(const Signaled& end, std::ostream* out) { *out << "signal " << end.signal; }

inline void PrintTo(const Finished& end, std::ostream* out) {
  std::visit([out](const auto& how) { PrintTo(how, out); }, end.how);
  *out << ", stdout " << ::testing::PrintToString(end.out.substr(0, 1000)) << ", stderr "
       << ::testing::PrintToString(end.err.substr(0, 1000));
}

template <typename T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (!result) {
    PrintTo(result.error(), out);
  } else if constexpr (std::is_void_v<T>) {
    *out << "success";
  } else {
    *out << ::testing::PrintToString(*result);
  }
}

namespace test {

/// EXPECT_THAT(result, FailsAt(Stage::setns_net, EPERM));
MATCHER_P2(FailsAt, stage, code, "fails at that stage with that errno") {
  if (arg) return false;
  return arg.error().stage == stage && arg.error().code == code;
}

/// EXPECT_THAT(result, IsOkAndHolds(3));
MATCHER_P(IsOkAndHolds, matcher, "succeeds with such a value") {
  return arg.has_value() && ::testing::ExplainMatchResult(matcher, *arg, result_listener);
}

MATCHER(IsOk, "succeeds") { return arg.has_value(); }

/// EXPECT_THAT(exec_in_netns(…), ExitsWith(42));
MATCHER_P(ExitsWith, code, "the program exits with that code") {
  return arg.has_value() && arg->how == End(Exited{code});
}

/// EXPECT_THAT(exec_in_netns(…), Prints("lo\n"));
MATCHER_P(Prints, text, "the program exits with 0 and that on stdout") {
  return arg.has_value() && arg->succeeded() && arg->out == text;
}

}  // namespace test
}  // namespace nsgate
