// SPDX-License-Identifier: Apache-2.0
//
// There is no Slurm here: the script runs under sh with the variables that Slurm would set.
#include "lab/farm/slurm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "lab/base/process.h"
#include "lab/farm/job_list.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;

const std::vector<CellSpec> cells{{.kernel = "6.1"},
                                  {.kernel = "6.12",
                                   .user = frame::User::rootless,
                                   .payload = "/p/it's $(touch x)",
                                   .shard = {2, 3}}};

class Slurm : public testing::Test {
 protected:
  /// nsgate says what it was given, and exits with 7.
  Slurm() {
    folder_.write("script", slurm_script(cells));
    const auto fake =
        folder_.write("bin/nsgate", "#!/bin/sh\nfor w; do echo \"<$w>\"; done\nexit 7\n");
    std::filesystem::permissions(fake, std::filesystem::perms(0755));
  }

  ProcessOutput execute(const std::vector<std::string>& words,
                        const std::vector<std::string>& env) const {
    std::vector<std::string> argv{"env",
                                  "PATH=" + (folder_.path() / "bin").string() + ":/usr/bin:/bin"};
    argv.insert(argv.end(), env.begin(), env.end());
    argv.insert(argv.end(), {"sh", "script"});
    argv.insert(argv.end(), words.begin(), words.end());
    return value_of(run(
        {.argv = argv, .extra_env = {}, .stderr_file = {}, .working_directory = folder_.path()}));
  }

  const ScratchFolder folder_;
};

TEST_F(Slurm, ShellAndArrayAgreeOnTheScript) {
  EXPECT_TRUE(value_of(run({.argv = {"bash", "-n", (folder_.path() / "script").string()},
                            .extra_env = {},
                            .stderr_file = {},
                            .working_directory = {}}))
                  .ok());
  EXPECT_THAT(slurm_script(cells), HasSubstr("\n#SBATCH --array=1-2\n"));
}

TEST_F(Slurm, TaskRunsItsCellIntoItsFolderAndKeepsTheExitCode) {
  const auto done = execute({}, {"SLURM_ARRAY_JOB_ID=42", "SLURM_ARRAY_TASK_ID=2"});
  EXPECT_EQ(WEXITSTATUS(done.wait_status), 7);
  EXPECT_EQ(done.out,
            "<run>\n<--kernel>\n<6.12>\n<--user>\n<rootless>\n<--payload>\n<" + cells[1].payload +
                ">\n<--shard>\n<2/3>\n<--cell-deadline>\n<300>\n<--test-deadline>\n<45>\n<-o>\n"
                "<nsgate-42/2>\n");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "x"));
}

TEST_F(Slurm, TaskThatIsRunAgainStartsWithoutAnOldResult) {
  const auto old = folder_.write("nsgate-42/1/results.json", "old");
  execute({}, {"SLURM_ARRAY_JOB_ID=42", "SLURM_ARRAY_TASK_ID=1"});
  EXPECT_FALSE(std::filesystem::exists(old));
}

TEST_F(Slurm, IndexWithoutACellTestsNothing) {
  const auto done = execute({}, {"SLURM_ARRAY_JOB_ID=42", "SLURM_ARRAY_TASK_ID=3"});
  EXPECT_EQ(WEXITSTATUS(done.wait_status), 125);
  EXPECT_NE(WEXITSTATUS(execute({}, {}).wait_status), 0);
}

TEST_F(Slurm, ReportKnowsWhatWasAskedForAndTakesWhatIsThere) {
  folder_.write("nsgate-42/2/results.json", "{}");
  const auto done = execute({"report", "nsgate-42"}, {});
  EXPECT_EQ(WEXITSTATUS(done.wait_status), 7);
  EXPECT_EQ(done.out,
            "<report>\n<--expect>\n<nsgate-42/cells.json>\n<-o>\n<nsgate-42>\n<nsgate-42/2>\n");
  EXPECT_EQ(value_of(read_job_list(folder_.path() / "nsgate-42/cells.json")), cells);
}

}  // namespace
}  // namespace nsgate::lab
