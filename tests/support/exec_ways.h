// SPDX-License-Identifier: Apache-2.0
//
// A command in a fresh namespace, by each way that the test's user may take.
//
//   for (const auto& [way, execute] : exec_ways()) {
//     SCOPED_TRACE(way);
//     EXPECT_THAT(execute({.argv = {helper(), "exit", "7"}}), ExitsWith(7));
//   }
//
// A fact about exec_in_netns and exec_in_user_netns alike has the suite Exec.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "nsgate/exec.h"

namespace nsgate::test {

/// Root has "exec_in_netns", everyone has "exec_in_user_netns". The namespaces live as long as the
/// functions, which are also good in a child of the test.
std::map<std::string, std::function<Result<Finished>(const Command&)>> exec_ways();

}  // namespace nsgate::test
