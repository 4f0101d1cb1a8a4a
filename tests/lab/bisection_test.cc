// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/bisection.h"

#include <gtest/gtest.h>

#include "sample_run.h"

namespace nsgate::lab {
namespace {

RunResult run_of(ExitCode code, Status status) {
  auto run = sample_run();
  run.code = code;
  run.cells.resize(1);
  run.cells[0].verdict.code = code;
  run.cells[0].verdict.tests = {test_result("A.B", status, "")};
  return run;
}

TEST(CodeForBisection, VerdictsStay) {
  EXPECT_EQ(code_for_bisection(run_of(ExitCode::pass, Status::pass)), ExitCode::pass);
  EXPECT_EQ(code_for_bisection(run_of(ExitCode::fail, Status::pass)), ExitCode::fail);
  EXPECT_EQ(code_for_bisection(run_of(ExitCode::interrupted, Status::fail)), ExitCode::interrupted);
}

TEST(CodeForBisection, NoVerdictIsSkipped) {
  for (const auto code : {ExitCode::infrastructure, ExitCode::no_results, ExitCode::all_skipped,
                          ExitCode::deadline, ExitCode::could_not_start}) {
    for (const auto status : {Status::pass, Status::miss, Status::error, Status::skip}) {
      EXPECT_EQ(code_for_bisection(run_of(code, status)), ExitCode::could_not_start);
    }
  }
}

TEST(CodeForBisection, FailedTestBeforeAHangIsBad) {
  EXPECT_EQ(code_for_bisection(run_of(ExitCode::deadline, Status::fail)), ExitCode::fail);
}

TEST(CodeForBisection, FaultOfTheLabIsSkippedAndAnInterruptionEndsTheBisection) {
  EXPECT_EQ(code_for_bisection(Failure{ExitCode::infrastructure, "no kvm"}),
            ExitCode::could_not_start);
  EXPECT_EQ(code_for_bisection(Failure{ExitCode::interrupted, "interrupted"}),
            ExitCode::interrupted);
}

}  // namespace
}  // namespace nsgate::lab
