// SPDX-License-Identifier: Apache-2.0
#include "lab/report/ktap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_run.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Ktap, RunNestsItsCells) {
  EXPECT_THAT(ktap(sample_run()), StartsWith("KTAP version 1\n1..2\n"
                                             "  KTAP version 1\n  1..2\n"
                                             "  ok 1 A.Passes\n"
                                             "  ok 2 A.Skips # SKIP needs rootless: x\n"
                                             "ok 1 6.1-root\n"
                                             "  KTAP version 1\n  1..4\n"));
  EXPECT_THAT(ktap(sample_run()), HasSubstr("\nnot ok 2 sid-rootless\n"));
}

TEST(Ktap, FailureHasItsReasonAsDiagnosticsBeforeIt) {
  EXPECT_THAT(ktap(sample_run()),
              HasSubstr("  # a.cc:3\n  # the sky is ?[32mgreen\n  not ok 1 A.Fails\n"));
}

TEST(Ktap, ErrorAndMissAreNotOkAndSaySo) {
  EXPECT_THAT(ktap(sample_run()), HasSubstr("  not ok 2 A.Errs # ERROR was running\n"));
  EXPECT_THAT(ktap(sample_run()), HasSubstr("  not ok 3 A.First # ERROR never ran\n"));
}

TEST(Ktap, NameCannotBeginADirective) {
  auto run = sample_run();
  run.cells[1].verdict.tests[0].test = "A.B # SKIP\nok 1 forged";
  EXPECT_THAT(ktap(run), HasSubstr("not ok 1 A.B _ SKIP\n"));
  EXPECT_THAT(ktap(run), Not(HasSubstr("forged")));
}

TEST(Ktap, TimeoutIsADirective) {
  auto run = sample_run();
  run.cells[1].verdict.tests[0].reason = "no end within 45 s; it printed nothing";
  EXPECT_THAT(ktap(run), HasSubstr("not ok 1 A.Fails # TIMEOUT no end within 45 s"));
}

TEST(Ktap, FaultThatIsNoTestsIsNotOkEvenWhereEveryTestPassed) {
  auto cell = sample_run().cells[0];
  cell.verdict.code = ExitCode::fail;
  cell.verdict.reasons = {"Kernel panic - not syncing: late"};
  EXPECT_THAT(ktap(cell), HasSubstr("\n1..3\n"));
  EXPECT_THAT(ktap(cell), HasSubstr("\nnot ok 3 cell\n"));
}

}  // namespace
}  // namespace nsgate::lab
