// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/cell_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsgate::lab {
namespace {

using testing::ElementsAre;

TEST(CellName, LeavesOutWhatIsAsUsual) {
  EXPECT_EQ(name_of({.kernel = "6.1"}), "6.1-root");
  EXPECT_EQ(name_of({.kernel = "sid",
                     .user = frame::User::rootless,
                     .userland = "trixie",
                     .profile = "hidepid-2",
                     .shard = {2, 3}}),
            "sid-rootless-hidepid-2-trixie-2of3");
}

TEST(CellName, IsFitForAFolder) {
  EXPECT_EQ(name_of({.kernel = "/a b/bz;Image"}), "_a_b_bz_Image-root");
}

TEST(Shard, EveryTestIsInExactlyOne) {
  const std::vector<std::string> tests{"A", "B", "C", "D", "E"};
  EXPECT_THAT(shard_of(tests, {1, 2}), ElementsAre("A", "C", "E"));
  EXPECT_THAT(shard_of(tests, {2, 2}), ElementsAre("B", "D"));
  EXPECT_EQ(shard_of(tests, {1, 1}), tests);
  EXPECT_THAT(shard_of(tests, {7, 9}), ElementsAre());
}

}  // namespace
}  // namespace nsgate::lab
