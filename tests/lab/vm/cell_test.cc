// SPDX-License-Identifier: Apache-2.0
//
// A broken thing is seen: `nsgate run`, as a user runs it, with real guests whose tests misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "vm/faulty_run.h"

namespace nsgate::lab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class NsgateRun : public FaultyRun {};

TEST_F(NsgateRun, EachFaultyTestFailsWithItsReason) {
  const auto answer = nsgate("root",
                             {"Passes", "FailsWithAMessage", "SkipsForARequirement",
                              "SkipsWithoutAReason", "Crashes", "ExitsZeroWithoutResult", "Hangs"},
                             {"--test-deadline", "3"});
  EXPECT_EQ(answer.exit, 1) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("FAIL Faulty.FailsWithAMessage"));
  EXPECT_THAT(answer.out, HasSubstr("the sky is green"));
  EXPECT_THAT(answer.out,
              HasSubstr("FAIL Faulty.SkipsForARequirement\n    skipped for a reason that the cell "
                        "does not predict: needs root: "));
  EXPECT_THAT(answer.out, HasSubstr("FAIL Faulty.SkipsWithoutAReason\n    skipped for a reason "
                                    "that the cell does not predict: none was given\n"));
  EXPECT_THAT(answer.out, HasSubstr("FAIL Faulty.Crashes\n    killed by SIGSEGV; "));
  EXPECT_THAT(answer.out, HasSubstr("FAIL Faulty.ExitsZeroWithoutResult\n    exited with 0 and "
                                    "left no report; "));
  EXPECT_THAT(answer.out, HasSubstr("FAIL Faulty.Hangs\n    no end within 3 s; "));
  EXPECT_THAT(answer.out, Not(HasSubstr("Faulty.Passes")));
}

TEST_F(NsgateRun, CellDeadlineEndsTheGuest) {
  const auto answer = nsgate("root", {"Hangs"}, {"--cell-deadline", "6"});
  EXPECT_EQ(answer.exit, 124) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("the cell did not end within 8 s"));
}

TEST_F(NsgateRun, NestedUserIsRootOfAUserNamespaceOfUid1000) {
  const auto answer = nsgate("nested", {"Passes", "SkipsForARequirement", "IsAlone",
                                        "ShowsItsCredentials", "IsRootOfAUserNamespaceOfUid1000"});
  EXPECT_EQ(answer.exit, 0) << answer.out << answer.err;
}

TEST_F(NsgateRun, PredictedSkipsAndPassesArePassAndCanBeRunAgain) {
  const auto answer =
      nsgate("rootless", {"Passes", "SkipsForARequirement", "FloodsItsOutput",
                          "LeavesAProcessBehind", "IsAlone", "ShowsItsCredentials"});
  EXPECT_EQ(answer.exit, 0) << answer.out << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("SKIP 1 test in 1 cell: needs root: "));

  const auto run = nlohmann::json::parse(std::ifstream(results() / "results.json"));
  EXPECT_EQ(run["exit_code"], 0);
  EXPECT_EQ(run["cells"][0]["counts"]["PASS"], 5);
  EXPECT_EQ(run["cells"][0]["counts"]["SKIP"], 1);

  const auto cell = results() / run["cells"][0]["cell"].get<std::string>();
  const auto again = answer_of({(cell / "repro.sh").string()},
                               {"XDG_STATE_HOME=" + (folder.path() / "state").string()});
  EXPECT_EQ(again.exit, 0) << again.out << again.err;
  EXPECT_THAT(again.out, HasSubstr("SKIP 1 test in 1 cell: needs root: "));
}

TEST_F(NsgateRun, NothingButSkipsIsNoPass) {
  const auto answer = nsgate("rootless", {"SkipsForARequirement"}, {"--json"});
  EXPECT_EQ(answer.exit, 4) << answer.err;
  EXPECT_EQ(nlohmann::json::parse(answer.out)["verdict"], "all skipped");
}

TEST_F(NsgateRun, MissingKernelCannotStartAndIsNamed) {
  const auto answer = answer_of({NSGATE_PROGRAM, "run", "--kernel", "/nowhere/bzImage", "--payload",
                                 NSGATE_FAULTY_PAYLOAD, "-o", folder.path().string()});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.err, HasSubstr("/nowhere/bzImage"));
  EXPECT_EQ(answer.out, "");
}

TEST_F(NsgateRun, MissingQemuCannotStartAndNamesThePackage) {
  const auto answer = answer_of({NSGATE_PROGRAM, "run", "--payload", NSGATE_FAULTY_PAYLOAD},
                                {"QEMU=/nowhere/qemu"});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.err, AllOf(HasSubstr("/nowhere/qemu"), HasSubstr("qemu-system-x86")));
}

TEST_F(NsgateRun, FilterWithoutATestCannotStart) {
  EXPECT_EQ(nsgate("root", {"NoSuchTest"}).exit, 125);
}

TEST_F(NsgateRun, UnusableArgumentsCannotStart) {
  EXPECT_EQ(answer_of({NSGATE_PROGRAM, "run", "--user", "nobody"}).exit, 125);
  EXPECT_EQ(answer_of({NSGATE_PROGRAM, "run", "--cell-deadline", "0"}).exit, 125);
  EXPECT_EQ(answer_of({NSGATE_PROGRAM, "frobnicate"}).exit, 125);
  EXPECT_EQ(answer_of({NSGATE_PROGRAM}).exit, 125);
  EXPECT_EQ(answer_of({NSGATE_PROGRAM, "--help"}).exit, 0);
}

}  // namespace
}  // namespace nsgate::lab
