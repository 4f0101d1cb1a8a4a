// SPDX-License-Identifier: Apache-2.0
#include "lab/report/results.h"

#include <gtest/gtest.h>

#include "sample_run.h"

namespace nsgate::lab {
namespace {

using nlohmann::json;

json document_of(const RunResult& run) { return json::parse(dump(to_json(run))); }

TEST(Results, RunSaysItsSchemaVerdictAndCells) {
  const auto document = document_of(sample_run());
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["verdict"], "fail");
  EXPECT_EQ(document["exit_code"], 1);
  EXPECT_EQ(document["started"], "2026-11-23T13:36:59Z");
  EXPECT_EQ(document["cells"].size(), 2u);
}

TEST(Results, CellSaysWhatWasRunAndHowItWent) {
  const auto cell = document_of(sample_run())["cells"][1];
  EXPECT_EQ(cell["cell"], "sid-rootless");
  EXPECT_EQ(cell["kernel"]["version"], "7.2.13-1");
  EXPECT_EQ(cell["kernel"]["release"], "6.1.0-56-cloud-amd64");
  EXPECT_EQ(cell["user"], "rootless");
  EXPECT_EQ(cell["accelerator"], "tcg");
  EXPECT_EQ(cell["counts"],
            json({{"PASS", 0}, {"FAIL", 1}, {"ERROR", 1}, {"MISS", 2}, {"SKIP", 0}}));
  EXPECT_EQ(cell["tests"].size(), 4u);
}

TEST(Results, TestSaysStatusReasonBehavioursAndTime) {
  const auto test = document_of(sample_run())["cells"][1]["tests"][1];
  EXPECT_EQ(test["test"], "A.Errs");
  EXPECT_EQ(test["status"], "ERROR");
  EXPECT_EQ(test["reason"], "was running");
  EXPECT_EQ(test["behaviours"], json({"TR1", "TR2"}));
  EXPECT_EQ(test["seconds"], 1.5);
  EXPECT_EQ(test["output"], "said");
}

TEST(Results, DocumentOfACellStandsAlone) {
  const auto document = json::parse(dump(to_json(sample_run().cells[0])));
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["cell"], "6.1-root");
  EXPECT_EQ(document["exit_code"], 0);
}

TEST(Results, OutputThatIsNoUtf8IsStillWritten) {
  auto run = sample_run();
  run.cells[1].verdict.tests[0].output = "before\xff\xfe after";
  const auto test = document_of(run)["cells"][1]["tests"][0];
  EXPECT_TRUE(test["output"].get<std::string>().starts_with("before"));
  EXPECT_TRUE(test["output"].get<std::string>().ends_with(" after"));
}

}  // namespace
}  // namespace nsgate::lab
