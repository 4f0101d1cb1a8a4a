// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/gtest_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gtest_reports.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GtestXml, PassIsCompletedWithoutFailure) {
  const auto report = parse_gtest_xml(passed_xml("TR1 TR2"), "A.One");
  ASSERT_TRUE(report) << report.error();
  EXPECT_TRUE(report->completed);
  EXPECT_THAT(report->failures, IsEmpty());
  EXPECT_EQ(report->skipped, std::nullopt);
  EXPECT_THAT(report->behaviours, ElementsAre("TR1", "TR2"));
}

TEST(GtestXml, EveryFailureIsKeptWithItsText) {
  const auto report =
      parse_gtest_xml(failed_xml("a.cc:3&#x0A;first", "a.cc:4&#x0A;&lt;second&gt;"), "A.One");
  ASSERT_TRUE(report) << report.error();
  EXPECT_THAT(report->failures, ElementsAre("a.cc:3\nfirst", "a.cc:4\n<second>"));
}

TEST(GtestXml, SkipKeepsItsMessage) {
  const auto report = parse_gtest_xml(skipped_xml("a.cc:3&#x0A;needs root: x"), "A.One");
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->skipped, "a.cc:3\nneeds root: x");
  EXPECT_FALSE(report->completed);
}

TEST(GtestXml, FailureOfAGlobalEnvironmentCounts) {
  const auto report = parse_gtest_xml(
      R"(<testsuites tests="1" failures="1" errors="0"><testsuite name="A">)"
      R"(<testcase name="One" status="run" result="completed"/></testsuite>)"
      R"(<testsuite name="NonTestSuiteFailure"><testcase name="" status="run" result="completed">)"
      R"(<failure message="env"/></testcase></testsuite></testsuites>)",
      "A.One");
  ASSERT_TRUE(report) << report.error();
  EXPECT_THAT(report->failures, ElementsAre("env"));
}

TEST(GtestXml, NameOfAParameterisedTestHoldsSlashes) {
  EXPECT_TRUE(parse_gtest_xml(R"(<testsuites tests="1" failures="0" errors="0">)"
                              R"(<testsuite name="Z/P"><testcase name="V/0" status="run" )"
                              R"(result="completed"/></testsuite></testsuites>)",
                              "Z/P.V/0"));
}

TEST(GtestXml, ReportCutAnywhereIsRefused) {
  const auto report = passed_xml("TR1");
  const auto whole = report.substr(0, report.find_last_of('>') + 1);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_gtest_xml(whole.substr(0, length), "A.One")) << whole.substr(0, length);
  }
}

TEST(GtestXml, ReportOnAnotherTestIsRefused) {
  EXPECT_THAT(parse_gtest_xml(passed_xml("TR1"), "A.Two").error(), HasSubstr("is about A.One"));
}

TEST(GtestXml, ReportOnNoTestIsRefused) {
  EXPECT_THAT(
      parse_gtest_xml(R"(<testsuites tests="0" failures="0" errors="0"></testsuites>)", "A.One")
          .error(),
      HasSubstr("holds 0 tests"));
}

TEST(GtestXml, ReportOnTwoTestsIsRefused) {
  EXPECT_FALSE(parse_gtest_xml(
      R"(<testsuites tests="1" failures="0" errors="0"><testsuite name="A">)"
      R"(<testcase name="One" status="run" result="completed"/>)"
      R"(<testcase name="One" status="run" result="completed"/></testsuite></testsuites>)",
      "A.One"));
}

TEST(GtestXml, CountedFailureThatIsNotShownIsRefused) {
  EXPECT_THAT(parse_gtest_xml(
                  R"(<testsuites tests="1" failures="1" errors="0"><testsuite name="A"><testcase )"
                  R"(name="One" status="run" result="completed"/></testsuite></testsuites>)",
                  "A.One")
                  .error(),
              HasSubstr("contradicts its own counts"));
}

TEST(GtestXml, CountOfMoreTestsThanItHoldsIsRefused) {
  EXPECT_FALSE(parse_gtest_xml(R"(<testsuites tests="2" failures="0" errors="0">)"
                               R"(<testsuite name="A"><testcase name="One" status="run" )"
                               R"(result="completed"/></testsuite></testsuites>)",
                               "A.One"));
}

}  // namespace
}  // namespace nsgate::lab
