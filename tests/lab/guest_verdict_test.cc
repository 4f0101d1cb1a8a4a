// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/guest_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gtest_reports.h"
#include "guest_frames.h"
#include "lab/verdict/cell_verdict.h"

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

/// The same of A.Two.
constexpr const char* second_passed =
    "PHRlc3RzdWl0ZXMgdGVzdHM9IjEiIGZhaWx1cmVzPSIwIiBlcnJvcnM9IjAiPjx0ZXN0c3VpdGUgbmFtZT0iQSI+PHRl"
    "c3RjYXNlIG5hbWU9IlR3byIgc3RhdHVzPSJydW4iIHJlc3VsdD0iY29tcGxldGVkIi8+PC90ZXN0c3VpdGU+PC90ZXN0"
    "c3VpdGVzPg==";

const KernelLog healthy_log{.panic = {},
                            .splats = {},
                            .to_the_end = true,
                            .last_words = "[ 3.0] reboot: Restarting system"};

Splat splat_of(const std::string& test, const std::string& title) {
  return {.title = title, .fingerprint = title, .test = test, .late = false, .text = title};
}

/// The verdict on a cell of one guest.
CellVerdict judge_one(const GuestEvidence& evidence, const Judgement& judgement = {}) {
  return judge_cell(evidence.tests, {{.first = 0, .verdict = judge_guest(evidence, judgement)}});
}

class JudgeCell : public testing::Test {
 protected:
  const std::vector<std::string> tests{"A.One", "A.Two"};
  FrameReader reader{FrameReader::Expectation{std::string(test_nonce), "root", "", tests}};
  GuestFrames guest;
  KernelLog kernel;
  std::optional<Failure> ended_by_lab;
  std::optional<std::string> qemu_fault;

  CellVerdict judge() { return judge_one({tests, reader, kernel, ended_by_lab, qemu_fault}); }
  std::optional<std::size_t> resume_at() {
    return judge_guest({tests, reader, kernel, ended_by_lab, qemu_fault}, Judgement{}).resume_at;
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
  const auto verdict = judge_one({tests, reader, kernel, {}, {}});
  EXPECT_EQ(verdict.code, ExitCode::pass) << verdict.tests[0].reason;
  EXPECT_THAT(verdict.reasons, IsEmpty());
}

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

TEST_F(JudgeCellOfOneTest, ConsoleCutShortIsInfrastructureBecauseASplatWouldGoUnseen) {
  kernel.to_the_end = false;
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
  EXPECT_EQ(judge_one({{}, reader, healthy_log, {}, {}}).code, ExitCode::no_results);
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
  EXPECT_THAT(verdict.tests[0].reason, testing::HasSubstr("overwritten unread"));
}

TEST_F(JudgeCell, TaintOfAModuleIsNoFailure) {
  constexpr const char* out_of_tree = R"("warnings":"","tainted":12288,"lost":0)";
  reader.feed(guest.hello(2).start("A.One").end("A.One", passed, out_of_tree).take());
  EXPECT_EQ(judge().tests[0].status, Status::pass);
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

TEST(JudgeGuests, ResultsOfTheGuestThatRanATestCount) {
  const auto result = [](const std::string& name, Status status) {
    return TestResult{name, status, "", {}, {}, {}};
  };
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
  only.tests = {TestResult{"A", Status::pass, "", {}, {}, {}},
                TestResult{"B", Status::miss, "never ran", {}, {}, {}}};
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
  only.tests = {TestResult{"A", Status::pass, "", {}, {}, {}},
                TestResult{"B", Status::miss, "never ran", {}, {}, {}}};
  const Failure stopped{ExitCode::interrupted, "interrupted before the next guest"};
  EXPECT_EQ(judge_cell({"A", "B"}, {{0, only}}, stopped).code, ExitCode::interrupted);
}

TEST(JudgeGuests, FurtherGuestThatIsUnavailableIsInfrastructureAndNoPass) {
  GuestVerdict first;
  first.tests = {TestResult{"A", Status::pass, "", {}, {}, {}},
                 TestResult{"B", Status::miss, "never ran", {}, {}, {}}};
  GuestVerdict second;
  second.tests = {TestResult{"B", Status::skip, "unavailable: x", {}, {}, {}}};
  second.unavailable = true;
  const auto cell = judge_cell({"A", "B"}, {{0, first}, {1, second}});
  EXPECT_EQ(cell.code, ExitCode::infrastructure);
  EXPECT_THAT(cell.reasons, ElementsAre("guest 2: unavailable, although guest 1 was not"));
}

TEST(JudgeGuests, FaultsAndSplatsOfAnEarlierGuestCount) {
  GuestVerdict first;
  first.tests = {TestResult{"A", Status::pass, "", {}, {}, {}},
                 TestResult{"B", Status::miss, "never ran", {}, {}, {}}};
  first.faults = {ExitCode::fail};
  first.reasons = {"Kernel panic - not syncing: x"};
  first.splats = {splat_of("", "WARNING: net")};
  GuestVerdict second;
  second.tests = {TestResult{"B", Status::pass, "", {}, {}, {}}};
  const auto cell = judge_cell({"A", "B"}, {{0, first}, {1, second}});
  EXPECT_EQ(cell.code, ExitCode::fail);
  EXPECT_THAT(cell.reasons, ElementsAre("guest 1: Kernel panic - not syncing: x"));
  EXPECT_EQ(cell.splats.size(), 1u);
}

TEST_F(JudgeCell, TellsThatItWasUnavailable) {
  EXPECT_FALSE(judge_guest({tests, reader, kernel, {}, {}}, {}).unavailable);
  reader.feed(guest.send("unavailable", R"({"reason":"no such sysctl"})").take());
  EXPECT_TRUE(judge_guest({tests, reader, kernel, {}, {}}, {}).unavailable);
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

TEST(JudgeGuests, ErrorOrMissBesidePassesIsInfrastructure) {
  for (const auto status : {Status::error, Status::miss}) {
    GuestVerdict only;
    only.tests = {TestResult{"A", Status::pass, "", {}, {}, {}},
                  TestResult{"B", status, "why", {}, {}, {}}};
    EXPECT_EQ(judge_cell({"A", "B"}, {{0, only}}).code, ExitCode::infrastructure)
        << to_string(status);
  }
}

}  // namespace
}  // namespace nsgate::lab
