// SPDX-License-Identifier: Apache-2.0
//
// One target, tried by both strategies.
//
//   EXPECT_THAT(enter_both_ways(Target::path("/dev/null")),
//               Each(refused(Stage::setns_net, EINVAL)));
//
// A fact about in_netns and exec_in_netns alike has the suite Netns.
#pragma once

#include <array>
#include <string>

#include "helper/helper.h"
#include "nsgate/netns.h"
#include "support/ended.h"

namespace nsgate::test {

/// How in_netns and exec_in_netns ended, in this order; exited(0) is success. `program` is the
/// helper's path, for a caller that cannot look it up any more.
std::array<Ended, 2> enter_both_ways(const Target& target, const std::string& program = helper());

}  // namespace nsgate::test
