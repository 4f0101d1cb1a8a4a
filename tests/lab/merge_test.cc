// SPDX-License-Identifier: Apache-2.0
#include "lab/report/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/report/ktap.h"
#include "sample_run.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CellResult cell(const std::string& kernel, ExitCode code, const std::string& started) {
  auto cell = sample_run().cells[0];
  cell.cell.spec.kernel = cell.cell.kernel.name = kernel;
  cell.cell.tests = {"A.Passes"};
  const auto status = code == ExitCode::pass ? Status::pass : Status::fail;
  cell.verdict = {.code = code,
                  .reasons = {},
                  .tests = {test_result("A.Passes", status, "")},
                  .splats = {},
                  .guests = 1};
  cell.started = started;
  return cell;
}

const std::string noon = "2026-11-23T12:00:00Z";
const std::string later = "2026-11-23T12:00:30Z";

CellResult good(const std::string& kernel = "6.1", const std::string& started = noon) {
  return cell(kernel, ExitCode::pass, started);
}
CellResult bad(const std::string& kernel = "6.1", const std::string& started = noon) {
  return cell(kernel, ExitCode::fail, started);
}

RunResult run_of(const std::vector<CellResult>& cells) {
  std::vector<ExitCode> codes;
  for (const auto& cell : cells) codes.push_back(cell.verdict.code);
  return {.code = gravest(codes),
          .started = noon,
          .time = std::chrono::seconds(1),
          .folder = "/r",
          .cells = cells};
}

std::vector<std::string> names(const RunResult& run) {
  std::vector<std::string> names;
  for (const auto& cell : run.cells) names.push_back(name_of(cell.cell.spec));
  return names;
}

TEST(Merge, HoldsTheCellsOfAllRuns) {
  const auto merged = value_of(merge({run_of({good("6.1")}), run_of({bad("6.12", later)})}, {}));
  EXPECT_THAT(names(merged.run), ElementsAre("6.1-root", "6.12-root"));
  EXPECT_EQ(merged.run.code, ExitCode::fail);
  EXPECT_THAT(merged.notes, IsEmpty());
  EXPECT_EQ(merged.run.started, noon);
  EXPECT_EQ(merged.run.time, std::chrono::milliseconds(30000 + 14230));
}

TEST(Merge, LaterResultOfACellCountsInEitherOrder) {
  for (const auto& runs : {std::vector{run_of({bad()}), run_of({good("6.1", later)})},
                           std::vector{run_of({good("6.1", later)}), run_of({bad()})}}) {
    const auto merged = value_of(merge(runs, {}));
    EXPECT_THAT(names(merged.run), ElementsAre("6.1-root"));
    EXPECT_EQ(merged.run.code, ExitCode::pass);
    EXPECT_THAT(merged.notes, ElementsAre(HasSubstr("6.1-root: pass of 2026-11-23T12:00:30Z "
                                                    "counts, not fail of 2026-11-23T12:00:00Z")));
  }
}

TEST(Merge, OfTwoResultsOfOneSecondTheGraverCounts) {
  for (const auto& runs : {std::vector{run_of({bad()}), run_of({good()})},
                           std::vector{run_of({good()}), run_of({bad()})}}) {
    EXPECT_EQ(value_of(merge(runs, {})).run.code, ExitCode::fail);
  }
}

TEST(Merge, SameResultGivenTwiceCountsOnceAndIsTold) {
  const auto merged = value_of(merge({run_of({good()}), run_of({good()})}, {}));
  EXPECT_THAT(names(merged.run), ElementsAre("6.1-root"));
  EXPECT_THAT(merged.notes, ElementsAre(HasSubstr("6.1-root: the same result was given twice")));
}

TEST(Merge, SameNameOnAnotherKernelIsAnotherCell) {
  auto other = bad("6.1", later);
  other.cell.kernel.image_sha256 = "cd34";
  const auto merged = value_of(merge({run_of({good()}), run_of({other})}, {}));
  EXPECT_THAT(names(merged.run), ElementsAre("6.1-root", "6.1-root"));
  EXPECT_EQ(merged.run.code, ExitCode::fail);
  EXPECT_THAT(merged.notes, ElementsAre(HasSubstr("both count")));
}

TEST(Merge, SameNameWithOtherTestsIsAnotherCell) {
  auto other = good("6.1", later);
  other.cell.tests = {"A.Passes", "B.Passes"};
  EXPECT_EQ(value_of(merge({run_of({bad()}), run_of({other})}, {})).run.cells.size(), 2u);
}

TEST(Merge, StrictTakesNoSecondResult) {
  const auto merged = merge({run_of({bad()}), run_of({good("6.1", later)})}, {.strict = true});
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message, HasSubstr("6.1-root"));
}

TEST(Merge, ExpectedCellWithoutAResultIsMissAndNoPass) {
  const auto merged = value_of(merge(
      {run_of({good()})}, {.strict = true, .expected = {{.kernel = "6.1"}, {.kernel = "6.12"}}}));
  EXPECT_THAT(names(merged.run), ElementsAre("6.1-root", "6.12-root"));
  EXPECT_EQ(merged.run.code, ExitCode::no_results);
  EXPECT_EQ(count(merged.run.cells[1], Status::miss), 1u);
  EXPECT_THAT(ktap(merged.run), HasSubstr("not ok 2 6.12-root"));
}

TEST(Merge, NothingAtAllIsAllMissing) {
  const auto merged = value_of(merge({}, {.expected = {{.kernel = "6.1"}}}));
  EXPECT_EQ(merged.run.cells.size(), 1u);
  EXPECT_EQ(merged.run.code, ExitCode::no_results);
  EXPECT_EQ(value_of(merge({}, {})).run.code, ExitCode::no_results);
}

TEST(Merge, CellsAreInTheOrderOfTheJobList) {
  const auto merged = value_of(merge({run_of({good("6.1"), good("6.12")})},
                                     {.expected = {{.kernel = "6.12"}, {.kernel = "6.1"}}}));
  EXPECT_THAT(names(merged.run), ElementsAre("6.12-root", "6.1-root"));
}

TEST(Merge, FilterOfTheJobListIsNoPartOfAResult) {
  const auto merged =
      value_of(merge({run_of({good()})}, {.expected = {{.kernel = "6.1", .filter = "A.*"}}}));
  EXPECT_EQ(merged.run.code, ExitCode::pass);
  EXPECT_EQ(merged.run.cells.size(), 1u);
}

TEST(Merge, CellThatNobodyAskedForCountsAndIsTold) {
  const auto merged =
      value_of(merge({run_of({good("6.1"), bad("sid")})}, {.expected = {{.kernel = "6.1"}}}));
  EXPECT_THAT(names(merged.run), ElementsAre("6.1-root", "sid-root"));
  EXPECT_EQ(merged.run.code, ExitCode::fail);
  EXPECT_THAT(merged.notes, ElementsAre(HasSubstr("nobody asked")));
}

TEST(Merge, ResultTakesThePlaceOfAMissingCellInEitherOrder) {
  const auto missing = missing_cell({.kernel = "6.1"}, "lost");
  EXPECT_TRUE(is_missing(missing));
  for (const auto& runs : {std::vector{run_of({missing}), run_of({good()})},
                           std::vector{run_of({good()}), run_of({missing})}}) {
    const auto merged = value_of(merge(runs, {}));
    EXPECT_EQ(merged.run.cells.size(), 1u);
    EXPECT_EQ(merged.run.code, ExitCode::pass);
  }
}

TEST(Merge, RunThatIsWorseThanItsCellsStaysSo) {
  auto run = run_of({good()});
  run.code = ExitCode::infrastructure;
  const auto merged = value_of(merge({run}, {}));
  EXPECT_EQ(merged.run.code, ExitCode::infrastructure);
  EXPECT_THAT(merged.notes, ElementsAre(HasSubstr("/r: this run is \"infrastructure\"")));
}

TEST(Merge, RunWhoseFailureWasOverruledByALaterResultDoesNotFailTheWhole) {
  const auto merged = value_of(merge({run_of({bad()}), run_of({good("6.1", later)})}, {}));
  EXPECT_EQ(merged.run.code, ExitCode::pass);
}

TEST(Merge, RunWithoutACellIsNoResult) {
  const auto merged = value_of(merge({run_of({good("6.1")}), run_of({})}, {}));
  EXPECT_EQ(merged.run.code, ExitCode::no_results);
}

TEST(Merge, SameNameOfAnotherPayloadIsAnotherCell) {
  auto one = bad();
  auto other = good("6.1", later);
  one.cell.spec.payload = "/a/payload";
  other.cell.spec.payload = "/b/payload";
  ASSERT_EQ(name_of(one.cell.spec), name_of(other.cell.spec));
  const auto merged = value_of(merge({run_of({one}), run_of({other})}, {}));
  EXPECT_EQ(merged.run.cells.size(), 2u);
  EXPECT_EQ(merged.run.code, ExitCode::fail);
}

}  // namespace
}  // namespace nsgate::lab
