// SPDX-License-Identifier: Apache-2.0
#include "lab/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_run.h"

namespace nsgate::lab {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Table, HasOneAlignedRowForEachCell) {
  EXPECT_THAT(table(sample_run(), false),
              StartsWith("KERNEL  VERSION            USER      SETTING  PASSED  FAILED  ERRORS  "
                         "MISSING  SKIPPED    TIME  "
                         "VERDICT\n"
                         "6.1     6.1.192-2          root      -             1       0       0     "
                         "   0        1  14.2 s  "
                         "pass\n"
                         "sid     7.2.13-1 unpinned  rootless  -             0       1       1     "
                         "   2        0  14.2 s  "
                         "fail\n\n"));
}

TEST(Table, FailureShowsCellTestBehavioursAndMessage) {
  EXPECT_THAT(table(sample_run(), false),
              HasSubstr("sid-rootless: FAIL A.Fails [TR1 TR2]\n    a.cc:3\n    the sky is "));
}

TEST(Table, ErrorAndReasonOfTheCellAreShown) {
  const auto text = table(sample_run(), false);
  EXPECT_THAT(text, HasSubstr("sid-rootless: ERROR A.Errs [TR1 TR2]\n    was running\n"));
  EXPECT_THAT(text,
              HasSubstr("sid-rootless: fail\n    the guest hung\n    last console line: x\n"));
}

TEST(Table, MissingTestsAreCountedAndTheFirstIsNamed) {
  EXPECT_THAT(table(sample_run(), false),
              HasSubstr("sid-rootless: MISS 2 tests never ran, the first: A.First\n"));
}

TEST(Table, SkipsAreGroupedByReason) {
  auto run = sample_run();
  run.cells.push_back(run.cells[0]);
  run.cells.back().cell.spec.user = frame::User::rootless;
  EXPECT_THAT(table(run, false), HasSubstr("SKIP 2 tests in 2 cells: needs rootless: x\n"));
}

TEST(Table, UnpinnedKernelIsExplained) {
  EXPECT_THAT(table(sample_run(), false),
              HasSubstr("sid: unpinned: 7.2.12-1 has left the mirror\n"));
}

TEST(Table, LastLineCountsTheVerdictsAndNamesTheFolder) {
  EXPECT_THAT(table(sample_run(), false),
              EndsWith("\n2 cells: 1 pass, 1 fail; results in /results/here\n"));
}

TEST(Table, LongMessageIsCutAndSaysSo) {
  auto run = sample_run();
  run.cells[1].verdict.tests[0].reason = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10";
  const auto text = table(run, false);
  EXPECT_THAT(text, HasSubstr("    8\n    … 2 more lines in results.json\n"));
}

TEST(Table, EscapeSequencesOfAGuestNeverReachTheTerminal) {
  auto run = sample_run();
  run.cells[0].verdict.tests[1].reason = "needs \x1b[2J: x";
  run.cells[1].verdict.tests[1].behaviours = {"\x1b[2J"};
  run.cells[1].verdict.reasons = {"\x1b[2J"};
  EXPECT_THAT(table(run, false), Not(HasSubstr("\x1b")));
}

TEST(Table, ColourIsOnlyInTheVerdicts) {
  const auto text = table(sample_run(), true);
  EXPECT_THAT(text, HasSubstr("\x1b[32mpass\x1b[0m\n"));
  EXPECT_THAT(text, HasSubstr("\x1b[31mfail\x1b[0m\n"));
}

}  // namespace
}  // namespace nsgate::lab
