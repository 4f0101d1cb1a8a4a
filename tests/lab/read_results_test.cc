// SPDX-License-Identifier: Apache-2.0
#include "lab/report/read_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/report/junit.h"
#include "lab/report/ktap.h"
#include "lab/report/table.h"
#include "sample_run.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

RunResult full_run() {
  auto run = sample_run();
  auto& cell = run.cells[1];
  cell.cell.spec.userland = cell.cell.userland.name = "trixie";
  cell.cell.spec.profile = "hidepid-2";
  cell.cell.spec.payload = "/p/payload";
  cell.cell.spec.shard = {2, 3};
  cell.accelerator_reason = "tcg: there is no /dev/kvm";
  cell.guests.push_back(
      {.qemu_command = {}, .nonce = {}, .first_test = 3, .slow = 12345, .retired = "a splat"});
  cell.verdict.splats.push_back({.title = "WARNING: x",
                                 .fingerprint = "WARNING: x | f",
                                 .test = "A.Fails",
                                 .late = true,
                                 .text = "[ 1.0] WARNING",
                                 .allowed = "known"});
  cell.time = std::chrono::milliseconds(1001);
  cell.verdict.tests[0].time = std::chrono::microseconds(333333);
  return run;
}

std::string error_of(const ordered_json& document) {
  const auto run = parse_results(dump(document), "r.json");
  if (run) return "no error";
  EXPECT_EQ(run.error().code, ExitCode::infrastructure);
  return run.error().message;
}

TEST(ReadResults, RunComesBackAsItWasWritten) {
  const auto run = full_run();
  const auto read = value_of(parse_results(dump(to_json(run)), "r.json"));
  EXPECT_EQ(to_json(read), to_json(run));
  EXPECT_EQ(table(read, true), table(run, true));
  EXPECT_EQ(ktap(read), ktap(run));
  EXPECT_EQ(junit(read), junit(run));
}

TEST(ReadResults, CellOfAFolderIsARunOfOne) {
  const auto cell = full_run().cells[1];
  const ScratchFolder folder;
  const auto file = folder.write("c/results.json", dump(to_json(cell)));
  const auto read = value_of(read_results(file));
  ASSERT_EQ(read.cells.size(), 1u);
  EXPECT_EQ(to_json(read.cells[0]), to_json(cell));
  EXPECT_EQ(read.code, cell.verdict.code);
  EXPECT_EQ(read.folder, folder.path() / "c");
}

TEST(ReadResults, EveryPropertyHasToBeThere) {
  const auto document = to_json(full_run());
  const auto flat = document.flatten();
  std::size_t tried = 0;
  for (const auto& [pointer, value] : flat.items()) {
    const ordered_json::json_pointer place(pointer);
    auto without = document;
    auto& parent = without[place.parent_pointer()];
    if (!parent.is_object()) continue;
    parent.erase(place.back());
    EXPECT_NE(error_of(without), "no error") << pointer;
    ++tried;
  }
  EXPECT_GT(tried, 50u);
}

TEST(ReadResults, NoPropertyMayHaveAnotherType) {
  const auto document = to_json(full_run());
  const auto flat = document.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    auto other = document;
    other[ordered_json::json_pointer(pointer)] = ordered_json::array({ordered_json::object()});
    if (document[ordered_json::json_pointer(pointer)].is_array()) continue;  // an empty one
    EXPECT_NE(error_of(other), "no error") << pointer;
  }
}

TEST(ReadResults, ErrorNamesFileAndPlace) {
  auto document = to_json(full_run());
  document["cells"][1]["tests"][2]["status"] = "GOOD";
  EXPECT_THAT(error_of(document), HasSubstr("r.json: cells[1].tests[2].status: "));
}

TEST(ReadResults, UnknownPropertyIsAnError) {
  auto document = to_json(full_run());
  document["cells"][0]["kernel"]["colour"] = "red";
  EXPECT_THAT(error_of(document), HasSubstr("cells[0].kernel.colour: is unknown"));
}

TEST(ReadResults, PassWithAFailedTestIsNoResult) {
  auto document = to_json(full_run());
  auto& cell = document["cells"][1];
  cell["verdict"] = "pass";
  cell["exit_code"] = 0;
  EXPECT_THAT(error_of(document), HasSubstr("cells[1].verdict: is pass, but the tests say"));
}

TEST(ReadResults, FailedTestCannotHideBehindAnotherVerdict) {
  auto document = to_json(full_run());
  auto& cell = document["cells"][1];
  cell["verdict"] = "no results";
  cell["exit_code"] = 3;
  EXPECT_THAT(error_of(document), HasSubstr("hides a test that failed"));
}

TEST(ReadResults, RunCannotBeBetterThanItsCells) {
  auto document = to_json(full_run());
  document["verdict"] = "pass";
  document["exit_code"] = 0;
  EXPECT_THAT(error_of(document), HasSubstr("verdict: is better than that of a cell"));
}

TEST(ReadResults, CountsAreThoseOfTheTests) {
  auto document = to_json(full_run());
  document["cells"][1]["counts"]["FAIL"] = 0;
  EXPECT_THAT(error_of(document), HasSubstr("cells[1].counts.FAIL: is not the number"));
}

TEST(ReadResults, ExitCodeIsTheVerdicts) {
  auto document = to_json(full_run());
  document["cells"][1]["exit_code"] = 0;
  EXPECT_THAT(error_of(document), HasSubstr("cells[1].exit_code: is not the verdict's"));
}

TEST(ReadResults, CellIsNamedAfterWhatItIs) {
  auto document = to_json(full_run());
  document["cells"][0]["cell"] = "../../etc";
  EXPECT_THAT(error_of(document), HasSubstr("cells[0].cell: is not the name"));
}

TEST(ReadResults, TestThatComesTwiceIsAnError) {
  auto document = to_json(full_run());
  document["cells"][1]["tests"][3]["test"] = "A.First";
  EXPECT_THAT(error_of(document), HasSubstr("cells[1].tests: hold A.First twice"));
}

TEST(ReadResults, KeyThatComesTwiceIsAnError) {
  auto text = dump(to_json(full_run()));
  text.insert(text.find('{') + 1, "\"exit_code\": 1,");
  const auto run = parse_results(text, "r.json");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("the key exit_code comes twice"));
}

TEST(ReadResults, HalfAFileIsAnError) {
  const auto text = dump(to_json(full_run()));
  const auto run = parse_results(std::string_view(text).substr(0, text.size() / 2), "r.json");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("r.json: is no JSON"));
}

TEST(ReadResults, FileThatIsMissingIsNamed) {
  const auto run = read_results("/nowhere/results.json");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("/nowhere/results.json: "));
}

TEST(ReadResults, RunWithoutACellIsNoPass) {
  auto document = to_json(full_run());
  document["cells"] = ordered_json::array();
  document["verdict"] = "pass";
  document["exit_code"] = 0;
  EXPECT_THAT(error_of(document), HasSubstr("verdict: is better than that of a cell"));
}

TEST(ReadResults, PassDoesNotComeOfSkippedCells) {
  auto run = sample_run();
  run.cells.resize(1);
  run.cells[0].verdict.code = ExitCode::all_skipped;
  run.cells[0].verdict.tests.erase(run.cells[0].verdict.tests.begin());
  run.code = ExitCode::all_skipped;
  auto document = to_json(run);
  EXPECT_EQ(error_of(document), "no error");
  document["verdict"] = "pass";
  document["exit_code"] = 0;
  EXPECT_THAT(error_of(document), HasSubstr("verdict: is better than that of a cell"));
}

TEST(ReadResults, PassCannotHideASplatOrAReason) {
  auto run = sample_run();
  run.cells[0].verdict.splats = {{.title = "WARNING: x",
                                  .fingerprint = "WARNING: x",
                                  .test = "A.Passes",
                                  .late = false,
                                  .text = "WARNING: x",
                                  .allowed = "known"}};
  EXPECT_EQ(error_of(to_json(run)), "no error");
  run.cells[0].verdict.splats[0].allowed = "";
  EXPECT_THAT(error_of(to_json(run)), HasSubstr("hides what the kernel said"));
  run.cells[0].verdict.splats.clear();
  run.cells[0].verdict.reasons = {"the console was not kept"};
  EXPECT_THAT(error_of(to_json(run)), HasSubstr("there are reasons why not"));
}

}  // namespace
}  // namespace nsgate::lab
