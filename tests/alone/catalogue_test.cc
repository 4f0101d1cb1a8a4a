// SPDX-License-Identifier: Apache-2.0
#include "alone/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsgate::alone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string entry(const std::string& id, const std::string& more = "modes = [\"root\"]") {
  return "[[behaviour]]\nid = \"" + id + "\"\nclaim = \"c\"\nkernels = \"all\"\nsource = \"s\"\n" +
         more + '\n';
}

TEST(Catalogue, IsReadWhole) {
  const auto catalogue =
      read_catalogue(entry("TR01", "modes = [\"root\", \"nested\"]\nprofiles = [\"selinux\"]") +
                     entry("TR02", "left_out = \"why\""));

  EXPECT_THAT(catalogue.problems, IsEmpty());
  ASSERT_EQ(catalogue.behaviours.size(), 2u);
  EXPECT_THAT(catalogue.behaviours[0].modes, ElementsAre("root", "nested"));
  EXPECT_THAT(catalogue.behaviours[0].profiles, ElementsAre("selinux"));
  EXPECT_EQ(catalogue.find("TR02")->left_out, "why");
  EXPECT_EQ(catalogue.find("TR03"), nullptr);
}

TEST(Catalogue, EverythingThatIsWrongIsToldAtOnce) {
  const auto catalogue = read_catalogue("tests = \"many\"\n[other]\n" + entry("TR01", "mode = 1") +
                                        entry("TR01", "modes = [\"user\"]") +
                                        "[[behaviour]]\nid = 1\nclaim = \"\"\nmodes = []\n");

  const auto all = testing::PrintToString(catalogue.problems);
  for (const auto* problem :
       {"`other` is no [[behaviour]]", "`mode` is no key", "TR01 needs `modes`",
        "TR01 is there twice", "`user` is no mode", "`tests` is a number", "`id` is one line",
        "`claim` is one line", "`kernels` is one line", "`source` is one line",
        "`modes` is a list of words"}) {
    EXPECT_THAT(all, HasSubstr(problem));
  }
}

TEST(Catalogue, TextThatIsNoTomlAndNoTextAreProblems) {
  EXPECT_THAT(read_catalogue("[[behaviour").problems, ElementsAre(HasSubstr("line 1")));
  EXPECT_THAT(read_catalogue("").problems, ElementsAre("there is no behaviour"));
}

TEST(Catalogue, AgreesWhereEachClaimHasATestOrAReasonAndEachTestAClaim) {
  const auto catalogue = read_catalogue(entry("TR01") + entry("TR02", "left_out = \"why\""));
  EXPECT_THAT(discrepancies(catalogue, {{"A.A", {"TR01"}, "a.cc:1"}}, {"A.A"}), IsEmpty());
}

TEST(Catalogue, TestThatIsLostIsMissedThoughItsClaimHasAnother) {
  const auto catalogue = read_catalogue("tests = 2\n" + entry("TR01"));
  const test::Proof one{"A.A", {"TR01"}, "a.cc:1"};
  const test::Proof other{"A.B", {"TR01"}, "a.cc:9"};

  EXPECT_THAT(discrepancies(catalogue, {one, other}, {"A.A", "A.B"}), IsEmpty());
  EXPECT_THAT(discrepancies(catalogue, {one}, {"A.A"}),
              ElementsAre("there are 1 tests, and `tests` says 2: is one lost?"));
}

TEST(Catalogue, EveryDisagreementIsTold) {
  const auto catalogue =
      read_catalogue(entry("TR01") + entry("TR02", "left_out = \"why\"") + entry("TR03"));
  const std::vector<test::Proof> proofs{
      {"A.A", {"TR02", "TR09"}, "a.cc:1"}, {"", {"TR01"}, "a.cc:9"}, {"A.B", {"TR08"}, "a.cc:5"}};

  EXPECT_THAT(discrepancies(catalogue, proofs, {"A.A", "A.B", "A.C"}),
              ElementsAre("a.cc:1: A.A proves TR09, which is not in the catalogue",
                          "a.cc:9: this BEHAVIOUR stands in no test",
                          "a.cc:5: A.B proves TR08, which is not in the catalogue",
                          "A.C proves nothing: it has no BEHAVIOUR",
                          "TR01 has no test, and no reason for that: c",
                          "TR02 is left out, and yet A.A proves it",
                          "TR03 has no test, and no reason for that: c"));
}

TEST(Catalogue, IdsThatAreLikeAnotherComeClosestFirst) {
  const auto catalogue = read_catalogue(entry("TR31") + entry("TR13") + entry("XD99"));
  EXPECT_THAT(close_ids(catalogue, "TR14"), ElementsAre("TR13", "TR31"));
  EXPECT_THAT(close_ids(catalogue, "nonsense"), IsEmpty());
}

}  // namespace
}  // namespace nsgate::alone
