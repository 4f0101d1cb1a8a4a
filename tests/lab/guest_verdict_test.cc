// SPDX-License-Identifier: Apache-2.0
//
// What the frames, the lab's own deadlines and the end of QEMU do to the verdict. What the kernel
// said is in kernel_verdict_test.cc.
#include "lab/verdict/guest_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "judged_cell.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(JudgeCellOfOneTest, WholeRunWithoutFaultIsPass) {
  const auto verdict = judge_one({tests, reader, kernel, {}, {}});
  EXPECT_EQ(verdict.code, ExitCode::pass) << verdict.tests[0].reason;
  EXPECT_THAT(verdict.reasons, IsEmpty());
}

TEST_F(JudgeCellOfOneTest, GuestThatDoesNotEndAfterByeIsDeadline) {
  const Failure hung{ExitCode::deadline, "the guest hung"};
  EXPECT_EQ(judge_one({tests, reader, kernel, hung, {}}).code, ExitCode::deadline);
}

TEST_F(JudgeCellOfOneTest, FailedQemuIsInfrastructure) {
  const auto verdict = judge_one({tests, reader, kernel, {}, "QEMU exited with 1"});
  EXPECT_EQ(verdict.code, ExitCode::infrastructure);
  EXPECT_THAT(verdict.reasons, ElementsAre(StartsWith("QEMU exited with 1\n")));
}

TEST_F(JudgeCellOfOneTest, GarbageAfterByeIsInfrastructure) {
  reader.feed("x\n");
  EXPECT_EQ(judge_one({tests, reader, kernel, {}, {}}).code, ExitCode::infrastructure);
}

TEST_F(JudgeCell, SilentEndOfTheGuestIsInfrastructureAndTheRestIsMissed) {
  run_first_test();
  kernel.last_words = "[ 3.0] reboot: Restarting system";
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::infrastructure);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::pass, Status::miss));
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("Restarting system")));
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
  EXPECT_EQ(judge_one({{}, reader, healthy_log, {}, {}}).code, ExitCode::no_results);
}

TEST_F(JudgeCell, LeakIsTheFailureOfItsTest) {
  run_first_test();
  reader.feed(guest.send("leak", R"({"test":"A.One","what":"bW91bnRz"})").take());
  const auto verdict = judge();
  EXPECT_EQ(verdict.tests[0].status, Status::fail);
  EXPECT_EQ(verdict.tests[0].reason, "left behind: mounts");
}

TEST_F(JudgeCell, RetiredGuestIsNoFaultAndTheRestIsLeftToTheNext) {
  run_first_test();
  reader.feed(guest.bye(1, "the test ran out of time").take());
  reader.finish();
  kernel = healthy_log;
  EXPECT_FALSE(reader.error());
  EXPECT_EQ(resume_at(), 1u);
  EXPECT_THAT(judge_guest({tests, reader, kernel, {}, {}}, {}).faults, IsEmpty());
}

TEST_F(JudgeCell, AnotherGuestGoesOnBehindThePanic) {
  reader.feed(guest.hello(2).start("A.One").take());
  kernel.panic = "Kernel panic - not syncing: boom";
  EXPECT_EQ(resume_at(), 1u);
}

TEST_F(JudgeCell, NoOtherGuestWouldComeFurtherThanOneThatBrokeBeforeATest) {
  reader.feed(guest.hello(2).take());
  kernel.panic = "Kernel panic - not syncing: no init";
  EXPECT_EQ(resume_at(), std::nullopt);
}

TEST_F(JudgeCell, UnavailableProfileSkipsEverythingForItsReason) {
  reader.feed(guest.send("unavailable", R"({"reason":"no such sysctl"})").take());
  reader.finish();
  kernel = healthy_log;
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::all_skipped);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::skip, Status::skip));
  EXPECT_EQ(verdict.tests[0].reason, "unavailable: no such sysctl");
}

TEST_F(JudgeCell, InterruptionMissesWhatDidNotEnd) {
  run_first_test();
  reader.feed(guest.start("A.Two").take());
  ended_by_lab = Failure{ExitCode::interrupted, "interrupted"};
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::interrupted);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::pass, Status::miss));
  EXPECT_EQ(verdict.tests[1].reason, "interrupted");
}

TEST_F(JudgeCell, TellsThatItWasUnavailable) {
  EXPECT_FALSE(judge_guest({tests, reader, kernel, {}, {}}, {}).unavailable);
  reader.feed(guest.send("unavailable", R"({"reason":"no such sysctl"})").take());
  EXPECT_TRUE(judge_guest({tests, reader, kernel, {}, {}}, {}).unavailable);
}

TEST_F(JudgeCell, ConsoleThatIsWholeDoesNotMakeUpForAMissingBye) {
  reader.feed(guest.hello(2)
                  .start("A.One")
                  .end("A.One", passed)
                  .start("A.Two")
                  .end("A.Two", second_passed)
                  .take());
  kernel = healthy_log;
  EXPECT_EQ(judge().code, ExitCode::infrastructure);
}

}  // namespace
}  // namespace nsgate::lab
