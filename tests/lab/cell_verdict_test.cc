// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/cell_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gtest_reports.h"
#include "guest_frames.h"

namespace nsgate::lab {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* passed =
    "PHRlc3RzdWl0ZXMgdGVzdHM9IjEiIGZhaWx1cmVzPSIwIiBlcnJvcnM9IjAiPjx0ZXN0c3VpdGUgbmFtZT0iQSI+PHRl"
    "c3RjYXNlIG5hbWU9Ik9uZSIgc3RhdHVzPSJydW4iIHJlc3VsdD0iY29tcGxldGVkIi8+PC90ZXN0c3VpdGU+PC90ZXN0"
    "c3VpdGVzPg==";

const KernelLog healthy_log{.panic = {},
                            .splats = {},
                            .to_the_end = true,
                            .last_words = "[ 3.0] reboot: Restarting system"};

class JudgeCell : public testing::Test {
 protected:
  const std::vector<std::string> tests{"A.One", "A.Two"};
  FrameReader reader{FrameReader::Expectation{std::string(test_nonce), "root", "", tests}};
  GuestFrames guest;
  KernelLog kernel;
  std::optional<Failure> ended_by_lab;
  std::optional<std::string> qemu_fault;

  CellVerdict judge() {
    return judge_cell({tests, reader, kernel, ended_by_lab, qemu_fault}, Judgement{});
  }
  std::vector<Status> statuses(const CellVerdict& verdict) {
    std::vector<Status> all;
    for (const auto& test : verdict.tests) all.push_back(test.status);
    return all;
  }
  void run_first_test() { reader.feed(guest.hello(2).start("A.One").end("A.One", passed).take()); }
};

class JudgeCellOfOneTest : public testing::Test {
 protected:
  const std::vector<std::string> tests{"A.One"};
  FrameReader reader{FrameReader::Expectation{std::string(test_nonce), "root", "", tests}};
  KernelLog kernel = healthy_log;

  void SetUp() override {
    GuestFrames guest;
    reader.feed(guest.hello(1).start("A.One").end("A.One", passed).bye(1).take());
    reader.finish();
    ASSERT_TRUE(reader.complete());
  }
};

TEST_F(JudgeCellOfOneTest, WholeRunWithoutFaultIsPass) {
  const auto verdict = judge_cell({tests, reader, kernel, {}, {}}, Judgement{});
  EXPECT_EQ(verdict.code, ExitCode::pass) << verdict.tests[0].reason;
  EXPECT_THAT(verdict.reasons, IsEmpty());
}

TEST_F(JudgeCellOfOneTest, SplatOfAnOtherwisePassingCellIsFail) {
  kernel.splats = {"WARNING: net"};
  const auto verdict = judge_cell({tests, reader, kernel, {}, {}}, Judgement{});
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_THAT(verdict.reasons, ElementsAre("the kernel said: WARNING: net"));
}

TEST_F(JudgeCellOfOneTest, PanicAfterByeIsFail) {
  kernel.panic = "Kernel panic - not syncing: late";
  EXPECT_EQ(judge_cell({tests, reader, kernel, {}, {}}, Judgement{}).code, ExitCode::fail);
}

TEST_F(JudgeCellOfOneTest, GuestThatDoesNotEndAfterByeIsDeadline) {
  const Failure hung{ExitCode::deadline, "the guest hung"};
  EXPECT_EQ(judge_cell({tests, reader, kernel, hung, {}}, Judgement{}).code, ExitCode::deadline);
}

TEST_F(JudgeCellOfOneTest, FailedQemuIsInfrastructure) {
  const auto verdict = judge_cell({tests, reader, kernel, {}, "QEMU exited with 1"}, Judgement{});
  EXPECT_EQ(verdict.code, ExitCode::infrastructure);
  EXPECT_THAT(verdict.reasons, ElementsAre(StartsWith("QEMU exited with 1\n")));
}

TEST_F(JudgeCellOfOneTest, GarbageAfterByeIsInfrastructure) {
  reader.feed("x\n");
  EXPECT_EQ(judge_cell({tests, reader, kernel, {}, {}}, Judgement{}).code,
            ExitCode::infrastructure);
}

TEST_F(JudgeCellOfOneTest, ConsoleCutShortIsInfrastructureBecauseASplatWouldGoUnseen) {
  kernel.to_the_end = false;
  EXPECT_EQ(judge_cell({tests, reader, kernel, {}, {}}, Judgement{}).code,
            ExitCode::infrastructure);
}

TEST_F(JudgeCell, SilentEndOfTheGuestIsInfrastructureAndTheRestIsMissed) {
  run_first_test();
  kernel.last_words = "[ 3.0] reboot: Restarting system";
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::infrastructure);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::pass, Status::miss));
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("Restarting system")));
}

TEST_F(JudgeCell, PanicIsTheFailureOfTheRunningTest) {
  reader.feed(guest.hello(2).start("A.One").take());
  kernel.panic = "Kernel panic - not syncing: boom";
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::fail, Status::miss));
  EXPECT_EQ(verdict.tests[0].reason, "Kernel panic - not syncing: boom");
}

TEST_F(JudgeCell, PanicBetweenTestsIsFail) {
  run_first_test();
  kernel.panic = "Kernel panic - not syncing: boom";
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::pass, Status::miss));
}

TEST_F(JudgeCell, PanicBeforeTheFirstTestIsInfrastructure) {
  reader.feed(guest.hello(2).take());
  kernel.panic = "Kernel panic - not syncing: no init";
  EXPECT_EQ(judge().code, ExitCode::infrastructure);
}

TEST_F(JudgeCell, PanicOutweighsTheDeadlineThatFollows) {
  reader.feed(guest.hello(2).start("A.One").take());
  kernel.panic = "Kernel panic - not syncing: boom";
  ended_by_lab = Failure{ExitCode::deadline, "the guest hung during A.One"};
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("the guest hung during A.One")));
}

TEST_F(JudgeCell, HangIsDeadlineAndTheErrorOfTheRunningTest) {
  run_first_test();
  reader.feed(guest.start("A.Two").take());
  ended_by_lab = Failure{ExitCode::deadline, "the guest hung during A.Two: no frame for 30 s"};
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::deadline);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::pass, Status::error));
  EXPECT_THAT(verdict.tests[1].reason, HasSubstr("no frame for 30 s"));
}

TEST_F(JudgeCell, FailedTestOutweighsAHang) {
  reader.feed(guest.hello(2).start("A.One").end("A.One").start("A.Two").take());
  ended_by_lab = Failure{ExitCode::deadline, "the guest hung during A.Two: no frame for 30 s"};
  EXPECT_EQ(judge().code, ExitCode::fail);
}

TEST_F(JudgeCell, BrokenFrameIsInfrastructureAndNamed) {
  run_first_test();
  reader.feed("@forged\n");
  qemu_fault = "QEMU was killed by SIGKILL";
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::infrastructure);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("@forged")));
}

TEST_F(JudgeCell, GuestThatNeverBootedIsInfrastructureAndEverythingIsMissed) {
  ended_by_lab = Failure{ExitCode::infrastructure, "did not boot within 60 s"};
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::infrastructure);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::miss, Status::miss));
}

TEST(JudgeCellOfNoTest, IsNoResults) {
  GuestFrames guest;
  FrameReader reader({std::string(test_nonce), "root", "", {}});
  reader.feed(guest.hello(0).bye(0).take());
  EXPECT_EQ(judge_cell({{}, reader, healthy_log, {}, {}}, Judgement{}).code, ExitCode::no_results);
}

TEST(Gravest, FailureOutweighsEverythingAndOnlyPassesArePass) {
  using enum ExitCode;
  EXPECT_EQ(gravest({pass, pass}), pass);
  EXPECT_EQ(gravest({pass, all_skipped}), all_skipped);
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

}  // namespace
}  // namespace nsgate::lab
