// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gtest_reports.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Judgement unmet_root{.unmet = {"root", "net.raw"}, .test_deadline = std::chrono::seconds(45)};

TestEnd exited(int status, const std::string& xml, const std::string& output = "") {
  TestEnd end;
  end.test = "A.One";
  end.exited = status;
  end.xml = xml;
  end.output = output;
  return end;
}

TestResult judge(const TestEnd& end) { return judge_test(end, unmet_root); }

TEST(JudgeTest, ZeroAndACompletedReportArePass) {
  const auto result = judge(exited(0, passed_xml("TR13")));
  EXPECT_EQ(result.status, Status::pass);
  EXPECT_EQ(result.reason, "");
  EXPECT_EQ(result.test, "A.One");
  EXPECT_THAT(result.behaviours, ElementsAre("TR13"));
}

TEST(JudgeTest, FailureIsFailWithItsMessage) {
  const auto result = judge(exited(1, failed_xml("a.cc:3&#x0A;the sky is green", "second")));
  EXPECT_EQ(result.status, Status::fail);
  EXPECT_EQ(result.reason, "a.cc:3\nthe sky is green\nsecond");
}

TEST(JudgeTest, FailureInAProcessThatExitedWithZeroIsFail) {
  const auto result = judge(exited(0, failed_xml("a", "b")));
  EXPECT_EQ(result.status, Status::fail);
  EXPECT_THAT(result.reason, HasSubstr("and yet it exited with 0"));
}

TEST(JudgeTest, PassingReportOfAProcessThatExitedOtherwiseIsFail) {
  for (const int status : {1, 2, 23, 255}) {
    const auto result = judge(exited(status, passed_xml("TR1"), "ERROR: LeakSanitizer\n"));
    EXPECT_EQ(result.status, Status::fail) << status;
    EXPECT_THAT(result.reason, HasSubstr("exited with " + std::to_string(status)));
    EXPECT_THAT(result.reason, HasSubstr("ERROR: LeakSanitizer"));
  }
}

TEST(JudgeTest, ZeroWithoutAReportIsFail) {
  const auto result = judge(exited(0, "", "Segfault? no\nbye\n"));
  EXPECT_EQ(result.status, Status::fail);
  EXPECT_EQ(result.reason, "exited with 0 and left no report; last line: bye");
}

TEST(JudgeTest, ZeroWithABrokenReportIsFail) {
  EXPECT_EQ(judge(exited(0, "<testsuites")).status, Status::fail);
  EXPECT_EQ(judge(exited(0, report_xml(0, "suppressed", ""))).status, Status::fail);
}

TEST(JudgeTest, SignalIsFailAndNamed) {
  auto end = exited(0, passed_xml("TR1"));
  end.exited.reset();
  end.signaled = 11;
  const auto result = judge(end);
  EXPECT_EQ(result.status, Status::fail);
  EXPECT_THAT(result.reason, HasSubstr("killed by SIGSEGV"));
  EXPECT_THAT(result.behaviours, ElementsAre("TR1"));
}

TEST(JudgeTest, FailureBeforeASignalIsNotLost) {
  auto end = exited(0, failed_xml("a", "b"));
  end.exited.reset();
  end.signaled = 6;
  EXPECT_EQ(judge(end).reason, "a\nb\nkilled by SIGABRT");
}

TEST(JudgeTest, TimeoutIsFailWithItsDeadline) {
  auto end = exited(0, passed_xml("TR1"));
  end.timed_out = true;
  const auto result = judge(end);
  EXPECT_EQ(result.status, Status::fail);
  EXPECT_THAT(result.reason, HasSubstr("no end within 45 s"));
}

TEST(JudgeTest, ProcessThatCannotBeKilledIsFail) {
  auto end = exited(0, passed_xml("TR1"));
  end.stuck = true;
  EXPECT_EQ(judge(end).status, Status::fail);
}

TEST(JudgeTest, SkipForAnUnmetRequirementIsSkip) {
  for (const char* message :
       {"/src/a test.cc:3&#x0A;needs root: uid 0 in the guest", "needs root: uid 0 in the guest",
        "unknown file&#x0A;needs root: uid 0 in the guest",
        "a.cc:3&#x0A;needs root: uid 0 in the guest&#x0A;more"}) {
    const auto result = judge(exited(0, skipped_xml(message)));
    EXPECT_EQ(result.status, Status::skip) << message << ": " << result.reason;
    EXPECT_EQ(result.reason, "needs root: uid 0 in the guest");
  }
  EXPECT_EQ(judge(exited(0, skipped_xml("needs net.raw: x"))).status, Status::skip);
}

TEST(JudgeTest, AnyOtherSkipIsFail) {
  for (const char* message :
       {"", "a.cc:3&#x0A;", "a.cc:3&#x0A;no luck", "needs rootless: x", "needs root",
        "needs root:", "needs root: ", "needs : x", "it needs root: x", "a.cc&#x0A;needs root: x",
        "needs rootless: x&#x0A;needs root: x", "Needs root: x"}) {
    const auto result = judge(exited(0, skipped_xml(message)));
    EXPECT_EQ(result.status, Status::fail) << message;
    EXPECT_THAT(result.reason, HasSubstr("skipped for a reason that the cell does not predict"));
  }
}

TEST(JudgeTest, SkipOfAProcessThatDidNotExitWithZeroIsFail) {
  EXPECT_EQ(judge(exited(1, skipped_xml("needs root: x"))).status, Status::fail);
}

TEST(JudgeTest, SkipBesideAFailureIsFail) {
  const auto both = report_xml(1, "completed",
                               R"(<failure message="broken"/><skipped message="needs root: x"/>)");
  const auto result = judge(exited(0, both));
  EXPECT_EQ(result.status, Status::fail);
  EXPECT_THAT(result.reason, HasSubstr("broken"));
}

TEST(JudgeTest, HugeSkipMessageIsJudgedLikeAnyOther) {
  EXPECT_EQ(judge(exited(0, skipped_xml("needs root: " + std::string(1 << 18, 'x')))).status,
            Status::skip);
}

}  // namespace
}  // namespace nsgate::lab
