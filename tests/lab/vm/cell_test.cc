// SPDX-License-Identifier: Apache-2.0
//
// A broken thing is seen: `nsgate run`, as a user runs it, with real guests whose tests misbehave.
// NSGATE_KERNEL names the kernel, a series or a bzImage; without it, 6.1 is taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lab/base/process.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Answer {
  int exit;
  std::string out;
  std::string err;
};

class NsgateRun : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  const ScratchFolder folder;

  static Answer execute(const Words& argv, const Words& env = {}) {
    const auto done =
        run({.argv = argv, .extra_env = env, .stderr_file = {}, .working_directory = {}},
            std::chrono::seconds(300));
    if (!done) return {-1, "", done.error().message};
    return {WIFEXITED(done->wait_status) ? WEXITSTATUS(done->wait_status) : -1, done->out,
            done->err};
  }

  /// Runs tests of the suite Faulty in a guest of the test kernel.
  Answer nsgate(const std::string& user, const Words& tests, const Words& more = {}) const {
    const char* const kernel = std::getenv("NSGATE_KERNEL");
    std::string filter;
    for (const auto& test : tests) filter += (filter.empty() ? "Faulty." : ":Faulty.") + test;
    Words argv = {NSGATE_PROGRAM, "run",  "--kernel",  kernel != nullptr ? kernel : "6.1",
                  "--user",       user,   "--payload", NSGATE_FAULTY_PAYLOAD,
                  "--filter",     filter, "-o",        folder.path().string()};
    argv.insert(argv.end(), more.begin(), more.end());
    return execute(argv);
  }
};

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

TEST_F(NsgateRun, PanicFailsTheTestThatRanAndMissesTheRest) {
  const auto answer = nsgate("root", {"Passes", "PanicsTheKernel", "ShowsItsCredentials"});
  EXPECT_EQ(answer.exit, 1) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("FAIL Faulty.PanicsTheKernel\n    Kernel panic - not syncing: "
                                    "sysrq triggered crash\n"));
  EXPECT_THAT(answer.out, HasSubstr("MISS 1 test never ran, the first: Faulty.ShowsItsCredential"));
}

TEST_F(NsgateRun, HungGuestIsADeadline) {
  const auto answer =
      nsgate("root", {"Passes", "HangsTheGuest", "ShowsItsCredentials"}, {"--silence", "6"});
  EXPECT_EQ(answer.exit, 124) << answer.err;
  EXPECT_THAT(answer.out,
              HasSubstr("the guest hung during Faulty.HangsTheGuest: no frame for 6 s\n"));
}

TEST_F(NsgateRun, CellDeadlineEndsTheGuest) {
  const auto answer = nsgate("root", {"Hangs"}, {"--cell-deadline", "6"});
  EXPECT_EQ(answer.exit, 124) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("the cell did not end within 6 s\n"));
}

TEST_F(NsgateRun, FramesThatStopHalfWayAreInfrastructure) {
  const auto answer = nsgate("root", {"Passes", "CutsTheFrames", "ShowsItsCredentials"});
  EXPECT_EQ(answer.exit, 2) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("ERROR Faulty.CutsTheFrames"));
  EXPECT_THAT(answer.out, HasSubstr("without a bye"));
}

TEST_F(NsgateRun, ForgedFrameIsInfrastructure) {
  const auto answer = nsgate("root", {"Passes", "ForgesAFrame", "ShowsItsCredentials"});
  EXPECT_EQ(answer.exit, 2) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("its checksum is wrong"));
}

TEST_F(NsgateRun, PredictedSkipsAndPassesArePassAndCanBeRunAgain) {
  const auto answer =
      nsgate("rootless", {"Passes", "SkipsForARequirement", "FloodsItsOutput",
                          "LeavesAProcessBehind", "IsAlone", "ShowsItsCredentials"});
  EXPECT_EQ(answer.exit, 0) << answer.out << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("SKIP 1 test in 1 cell: needs root: "));

  const auto run = nlohmann::json::parse(std::ifstream(folder.path() / "results.json"));
  EXPECT_EQ(run["exit_code"], 0);
  EXPECT_EQ(run["cells"][0]["counts"]["PASS"], 5);
  EXPECT_EQ(run["cells"][0]["counts"]["SKIP"], 1);

  const auto cell = folder.path() / run["cells"][0]["cell"].get<std::string>();
  const auto again = execute({(cell / "repro.sh").string()},
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
  const auto answer = execute({NSGATE_PROGRAM, "run", "--kernel", "/nowhere/bzImage", "--payload",
                               NSGATE_FAULTY_PAYLOAD, "-o", folder.path().string()});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.err, HasSubstr("/nowhere/bzImage"));
  EXPECT_EQ(answer.out, "");
}

TEST_F(NsgateRun, MissingQemuCannotStartAndNamesThePackage) {
  const auto answer =
      execute({NSGATE_PROGRAM, "run", "--payload", NSGATE_FAULTY_PAYLOAD}, {"QEMU=/nowhere/qemu"});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.err, AllOf(HasSubstr("/nowhere/qemu"), HasSubstr("qemu-system-x86")));
}

TEST_F(NsgateRun, FilterWithoutATestCannotStart) {
  EXPECT_EQ(nsgate("root", {"NoSuchTest"}).exit, 125);
}

TEST_F(NsgateRun, UnusableArgumentsCannotStart) {
  EXPECT_EQ(execute({NSGATE_PROGRAM, "run", "--user", "nobody"}).exit, 125);
  EXPECT_EQ(execute({NSGATE_PROGRAM, "run", "--cell-deadline", "0"}).exit, 125);
  EXPECT_EQ(execute({NSGATE_PROGRAM, "frobnicate"}).exit, 125);
  EXPECT_EQ(execute({NSGATE_PROGRAM}).exit, 125);
  EXPECT_EQ(execute({NSGATE_PROGRAM, "--help"}).exit, 0);
}

}  // namespace
}  // namespace nsgate::lab
