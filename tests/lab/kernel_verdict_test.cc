// SPDX-License-Identifier: Apache-2.0
//
// What the kernel's own words do to the verdict: panics, splats, taint, and words that were lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "judged_cell.h"
#include "lab/verdict/guest_verdict.h"

namespace nsgate::lab {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(JudgeCellOfOneTest, SplatOfAnOtherwisePassingCellIsFail) {
  kernel.splats = {splat_of("", "WARNING: net")};
  const auto verdict = judge_one({tests, reader, kernel, {}, {}});
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_THAT(verdict.reasons, ElementsAre("the kernel said: WARNING: net"));
}

TEST_F(JudgeCellOfOneTest, PanicAfterByeIsFail) {
  kernel.panic = "Kernel panic - not syncing: late";
  EXPECT_EQ(judge_one({tests, reader, kernel, {}, {}}).code, ExitCode::fail);
}

TEST_F(JudgeCellOfOneTest, ConsoleCutShortIsInfrastructureBecauseASplatWouldGoUnseen) {
  kernel.to_the_end = false;
  EXPECT_EQ(judge_one({tests, reader, kernel, {}, {}}).code, ExitCode::infrastructure);
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

TEST_F(JudgeCellOfOneTest, SplatIsTheFailureOfTheTestThatItIsAttributedTo) {
  kernel.splats = {splat_of("A.One", "WARNING: net")};
  auto verdict = judge_one({tests, reader, kernel, {}, {}});
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_EQ(verdict.tests[0].status, Status::fail);
  EXPECT_EQ(verdict.tests[0].reason, "the kernel said: WARNING: net");
  kernel.splats[0].late = true;
  verdict = judge_one({tests, reader, kernel, {}, {}});
  EXPECT_THAT(verdict.tests[0].reason, StartsWith("after it had ended, the kernel said: "));
}

TEST_F(JudgeCellOfOneTest, AllowedSplatDoesNotCountAndIsKept) {
  kernel.splats = {splat_of("A.One", "WARNING: net")};
  Judgement judgement;
  judgement.allow = [](const Splat& splat) { return "known: " + splat.title; };
  const auto verdict = judge_one({tests, reader, kernel, {}, {}}, judgement);
  EXPECT_EQ(verdict.code, ExitCode::pass);
  ASSERT_EQ(verdict.splats.size(), 1u);
  EXPECT_EQ(verdict.splats[0].allowed, "known: WARNING: net");
}

TEST_F(JudgeCell, WarningThatOnlyKmsgToldIsTheFailureOfItsTest) {
  // "WARNING: net" in base64
  reader.feed(guest.hello(2)
                  .start("A.One")
                  .end("A.One", passed, R"("warnings":"V0FSTklORzogbmV0","tainted":512,"lost":0)")
                  .take());
  const auto verdict = judge();
  EXPECT_EQ(verdict.tests[0].status, Status::fail);
  EXPECT_EQ(verdict.tests[0].reason, "the kernel said: WARNING: net");
}

TEST_F(JudgeCell, TaintWithoutAWordIsTheFailureOfItsTest) {
  reader.feed(guest.hello(2)
                  .start("A.One")
                  .end("A.One", passed, R"("warnings":"","tainted":512,"lost":0)")
                  .start("A.Two")
                  .end("A.Two", second_passed, R"("warnings":"","tainted":512,"lost":0)")
                  .bye(2)
                  .take());
  const auto verdict = judge();
  EXPECT_EQ(verdict.tests[0].status, Status::fail);
  EXPECT_EQ(verdict.tests[0].reason, "the kernel became tainted without a word: W (warning)");
  EXPECT_EQ(verdict.tests[1].status, Status::pass) << "the flag was there before it";
}

TEST_F(JudgeCell, MessagesLostUnreadAreAnErrorBecauseAWarningWouldGoUnseen) {
  constexpr const char* overwritten = R"("warnings":"","tainted":0,"lost":1)";
  reader.feed(guest.hello(2).start("A.One").end("A.One", passed, overwritten).take());
  const auto verdict = judge();
  EXPECT_EQ(verdict.tests[0].status, Status::error);
  EXPECT_THAT(verdict.tests[0].reason, HasSubstr("overwritten unread"));
}

TEST_F(JudgeCell, TaintOfAModuleIsNoFailure) {
  constexpr const char* out_of_tree = R"("warnings":"","tainted":12288,"lost":0)";
  reader.feed(guest.hello(2).start("A.One").end("A.One", passed, out_of_tree).take());
  EXPECT_EQ(judge().tests[0].status, Status::pass);
}

TEST_F(JudgeCell, AllowedWarningDoesNotExplainAnOops) {
  Judgement judgement;
  judgement.allow = [](const Splat&) { return "known"; };
  kernel.splats = {splat_of("A.One", "WARNING: net")};
  constexpr const char* both = R"("warnings":"","tainted":640,"lost":0)";
  reader.feed(guest.hello(2).start("A.One").end("A.One", passed, both).take());
  const auto verdict = judge_one({tests, reader, kernel, {}, {}}, judgement);
  EXPECT_EQ(verdict.tests[0].status, Status::fail);
  EXPECT_EQ(verdict.tests[0].reason, "the kernel became tainted without a word: D (oops)");
}

TEST_F(JudgeCell, LateSplatIsNotAlsoTheFailureOfTheNextTest) {
  kernel.splats = {splat_of("A.One", "WARNING: net")};
  kernel.splats[0].late = true;
  // "WARNING: net" in base64: init reads it only at the end of the next test.
  reader.feed(
      guest.hello(2)
          .start("A.One")
          .end("A.One", passed)
          .start("A.Two")
          .end("A.Two", second_passed, R"("warnings":"V0FSTklORzogbmV0","tainted":512,"lost":0)")
          .take());
  EXPECT_THAT(statuses(judge()), ElementsAre(Status::fail, Status::pass));
  kernel.splats[0].late = false;
  EXPECT_THAT(statuses(judge()), ElementsAre(Status::fail, Status::fail));
}

TEST_F(JudgeCell, SplatOutweighsAHangAndAnUnreadLog) {
  kernel.splats = {splat_of("A.One", "BUG: x"), splat_of("A.Two", "BUG: x")};
  constexpr const char* overwritten = R"("warnings":"","tainted":0,"lost":1)";
  reader.feed(
      guest.hello(2).start("A.One").end("A.One", passed, overwritten).start("A.Two").take());
  ended_by_lab = Failure{ExitCode::deadline, "the guest hung during A.Two: no frame for 30 s"};
  const auto verdict = judge();
  EXPECT_EQ(verdict.code, ExitCode::fail);
  EXPECT_THAT(statuses(verdict), ElementsAre(Status::fail, Status::fail));
  EXPECT_THAT(verdict.tests[1].reason, HasSubstr("no frame for 30 s"));
}

}  // namespace
}  // namespace nsgate::lab
