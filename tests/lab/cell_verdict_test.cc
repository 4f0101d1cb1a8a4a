// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/cell_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "judged_cell.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;

TestResult result(const std::string& name, Status status, const std::string& reason = "") {
  return {name, status, reason, {}, {}, {}};
}

TEST(JudgeGuests, ResultsOfTheGuestThatRanATestCount) {
  GuestVerdict first;
  first.tests = {result("A", Status::pass), result("B", Status::fail), result("C", Status::miss)};
  first.resume_at = 2;
  GuestVerdict second;
  second.tests = {result("C", Status::pass)};
  const auto cell = judge_cell({"A", "B", "C"}, {{0, first}, {2, second}});
  EXPECT_EQ(cell.guests, 2u);
  EXPECT_EQ(cell.code, ExitCode::fail);
  EXPECT_EQ(cell.tests[2].status, Status::pass);
}

TEST(JudgeGuests, TestsThatNoGuestWasLeftForAreInfrastructure) {
  GuestVerdict only;
  only.tests = {result("A", Status::pass), result("B", Status::miss, "never ran")};
  const auto cell = judge_cell({"A", "B"}, {{0, only}},
                               Failure{ExitCode::infrastructure, "6 guests were spoilt"});
  EXPECT_EQ(cell.code, ExitCode::infrastructure);
  EXPECT_THAT(cell.reasons, ElementsAre("6 guests were spoilt"));
}

TEST(Gravest, FailureOutweighsEverythingAndOnlyPassesArePass) {
  using enum ExitCode;
  EXPECT_EQ(gravest({pass, pass}), pass);
  EXPECT_EQ(gravest({pass, all_skipped}), pass);
  EXPECT_EQ(gravest({all_skipped, all_skipped}), all_skipped);
  EXPECT_EQ(gravest({fail, interrupted}), interrupted);
  EXPECT_EQ(gravest({all_skipped, could_not_start, pass}), could_not_start);
  EXPECT_EQ(gravest({could_not_start, no_results}), no_results);
  EXPECT_EQ(gravest({no_results, infrastructure}), infrastructure);
  EXPECT_EQ(gravest({infrastructure, deadline}), deadline);
  EXPECT_EQ(gravest({deadline, pass, fail, could_not_start}), fail);
  EXPECT_EQ(gravest({}), no_results);
}

TEST(NothingRan, KeepsTheCodeAndMissesEveryTest) {
  const auto verdict = nothing_ran({"A.One"}, {ExitCode::could_not_start, "no QEMU"});
  EXPECT_EQ(verdict.code, ExitCode::could_not_start);
  EXPECT_THAT(verdict.reasons, ElementsAre("no QEMU"));
  EXPECT_EQ(verdict.tests.at(0).status, Status::miss);
}

TEST(JudgeGuests, InterruptionBetweenTwoIsNotTheFaultOfTheLab) {
  GuestVerdict only;
  only.tests = {result("A", Status::pass), result("B", Status::miss, "never ran")};
  const Failure stopped{ExitCode::interrupted, "interrupted before the next guest"};
  EXPECT_EQ(judge_cell({"A", "B"}, {{0, only}}, stopped).code, ExitCode::interrupted);
}

TEST(JudgeGuests, FurtherGuestThatIsUnavailableIsInfrastructureAndNoPass) {
  GuestVerdict first;
  first.tests = {result("A", Status::pass), result("B", Status::miss, "never ran")};
  GuestVerdict second;
  second.tests = {result("B", Status::skip, "unavailable: x")};
  second.unavailable = true;
  const auto cell = judge_cell({"A", "B"}, {{0, first}, {1, second}});
  EXPECT_EQ(cell.code, ExitCode::infrastructure);
  EXPECT_THAT(cell.reasons, ElementsAre("guest 2: unavailable, although guest 1 was not"));
}

TEST(JudgeGuests, FaultsAndSplatsOfAnEarlierGuestCount) {
  GuestVerdict first;
  first.tests = {result("A", Status::pass), result("B", Status::miss, "never ran")};
  first.faults = {ExitCode::fail};
  first.reasons = {"Kernel panic - not syncing: x"};
  first.splats = {splat_of("", "WARNING: net")};
  GuestVerdict second;
  second.tests = {result("B", Status::pass)};
  const auto cell = judge_cell({"A", "B"}, {{0, first}, {1, second}});
  EXPECT_EQ(cell.code, ExitCode::fail);
  EXPECT_THAT(cell.reasons, ElementsAre("guest 1: Kernel panic - not syncing: x"));
  EXPECT_EQ(cell.splats.size(), 1u);
}

TEST(MayBeTheAccelerator, NotWhereTheKernelComplained) {
  CellVerdict cell;
  cell.code = ExitCode::infrastructure;
  EXPECT_TRUE(may_be_the_accelerator(cell));
  cell.splats = {splat_of("", "WARNING: net")};
  EXPECT_FALSE(may_be_the_accelerator(cell));
  cell.splats[0].allowed = "known";
  EXPECT_TRUE(may_be_the_accelerator(cell));
  cell.code = ExitCode::fail;
  EXPECT_FALSE(may_be_the_accelerator(cell));
}

TEST(JudgeGuests, ErrorOrMissBesidePassesIsInfrastructure) {
  for (const auto status : {Status::error, Status::miss}) {
    GuestVerdict only;
    only.tests = {result("A", Status::pass), result("B", status, "why")};
    EXPECT_EQ(judge_cell({"A", "B"}, {{0, only}}).code, ExitCode::infrastructure)
        << to_string(status);
  }
}

}  // namespace
}  // namespace nsgate::lab
