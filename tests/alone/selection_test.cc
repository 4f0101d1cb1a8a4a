// SPDX-License-Identifier: Apache-2.0
#include "alone/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsgate::alone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Catalogue catalogue() {
  Catalogue made;
  made.behaviours = {{.id = "TR01",
                      .claim = "c",
                      .kernels = "",
                      .source = "",
                      .modes = {"root", "rootless"},
                      .profiles = {},
                      .left_out = ""},
                     {.id = "TR02",
                      .claim = "c",
                      .kernels = "",
                      .source = "",
                      .modes = {"root"},
                      .profiles = {"selinux"},
                      .left_out = ""},
                     {.id = "TR03",
                      .claim = "c",
                      .kernels = "",
                      .source = "",
                      .modes = {"rootless"},
                      .profiles = {},
                      .left_out = ""}};
  return made;
}

TEST(Selection, FilterIsThatOfGoogleTest) {
  EXPECT_TRUE(matches("*", "A.B"));
  EXPECT_TRUE(matches("X.*:A.?", "A.B"));
  EXPECT_TRUE(matches("-A.C", "A.B"));
  EXPECT_FALSE(matches("*-A.*", "A.B"));
  EXPECT_FALSE(matches("A", "A.B"));
  EXPECT_FALSE(matches("", "A.B") && matches("X", "A.B"));
}

TEST(Selection, IdsAreKnownInSmallLettersToo) {
  EXPECT_THAT(known_ids({"tr01", "TR01", "TR03"}, catalogue()).value(),
              ElementsAre("TR01", "TR03"));
}

TEST(Selection, UnknownIdIsToldWithWhatIsLikeIt) {
  EXPECT_EQ(known_ids({"TR04"}, catalogue()).error(),
            "there is no behaviour TR04; did you mean TR01, TR02, TR03?");
  EXPECT_THAT(known_ids({"nonsense"}, catalogue()).error(), HasSubstr("--list-behaviours"));
}

TEST(Selection, ModeStandsForWhatItProvesUnderNoParticularPolicy) {
  Options options;
  options.required = {"root"};
  EXPECT_THAT(required_ids(options, catalogue()).value(), ElementsAre("TR01"));
  options.required = {"rootless", "TR02"};
  EXPECT_THAT(required_ids(options, catalogue()).value(), ElementsAre("TR01", "TR03", "TR02"));
}

}  // namespace
}  // namespace nsgate::alone
