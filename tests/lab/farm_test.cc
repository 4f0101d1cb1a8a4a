// SPDX-License-Identifier: Apache-2.0
//
// A farm without a network: "ssh" is a script that runs the command here or breaks, and "nsgate" on
// the hosts a script that copies results. GNU parallel is the real one.
#include "lab/farm/farm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lab/base/process.h"
#include "lab/base/shell_quoted.h"
#include "lab/farm/job_log.h"
#include "lab/farm/remote_job.h"
#include "lab/report/merge.h"
#include "lab/report/read_results.h"
#include "sample_run.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Farm : public testing::Test {
 protected:
  void SetUp() override {
    if (!run({.argv = {"parallel", "--version"},
              .extra_env = {},
              .stderr_file = {},
              .working_directory = {}})) {
      GTEST_SKIP() << "GNU parallel is not installed";
    }
    // The last argument before "--" is the host; "dead" is a host that does not answer any more,
    // "cut" one that dies while it answers.
    script("ssh",
           "while [ \"$1\" != -- ]; do host=$1; shift; done\nshift\n"
           "case $* in *processors*) ;; *) echo $host >>HERE/asked\n"
           "case $host in dead) exit 255 ;;\n"
           "cut) sh -c \"$*\" | head -c 100; exit 255 ;;\n"
           "short) sh -c \"$*\" | head -c 100; exit 0 ;; esac ;; esac\nexec sh -c \"$*\"\n");
    // Answers with HERE/answers/CELL, whose last line of `code` is the exit code.
    script("nsgate",
           "if [ \"$1\" = --version ]; then echo nsgate " NSGATE_VERSION
           "; exit; fi\n"
           "while [ $# -gt 0 ]; do case $1 in --kernel) kernel=$2 ;; -o) out=$2 ;; esac; shift; "
           "done\n"
           "echo $kernel >>HERE/ran\nmkdir -p \"$out\"\n"
           "cp -r HERE/answers/$kernel-root \"$out/$kernel-root\" || exit 125\n"
           "exit $(cat HERE/answers/$kernel-root/code)\n");
  }

  void script(const std::string& name, std::string text) const {
    for (auto at = text.find("HERE"); at != std::string::npos; at = text.find("HERE")) {
      text.replace(at, 4, folder_.path().string());
    }
    fs::permissions(folder_.write(name, "#!/bin/sh\n" + text), fs::perms(0755));
  }

  void answer(const std::string& kernel, Status status) const {
    auto cell = sample_run().cells[0];
    cell.cell.spec.kernel = cell.cell.kernel.name = kernel;
    const auto code = status == Status::pass ? ExitCode::pass : ExitCode::fail;
    cell.verdict = {.code = code,
                    .reasons = {},
                    .tests = {test_result("A.B", status, "")},
                    .splats = {},
                    .guests = 1};
    const fs::path at = "answers/" + kernel + "-root";
    folder_.write(at / "results.json", dump(to_json(cell)));
    folder_.write(at / "console.log", "hello");
    folder_.write(at / "code", std::to_string(static_cast<int>(code)) + '\n');
  }

  Expected<RunResult> farm(const std::vector<std::string>& kernels,
                           const std::vector<std::string>& hosts, bool resume = false) const {
    FarmRequest request{
        .run = {}, .hosts = {}, .nsgate = (folder_.path() / "nsgate").string(), .resume = resume};
    request.doctor = false;
    for (const auto& kernel : kernels) request.run.cells.push_back({.kernel = kernel});
    request.run.output = folder_.path() / "out";
    for (const auto& host : hosts) {
      request.hosts.push_back({(folder_.path() / "ssh").string(), host, 1});
    }
    return run_farm(request);
  }

  long lines_with(const std::string& file, const std::string& line) const {
    std::ifstream in(folder_.path() / file);
    long number = 0;
    for (std::string text; std::getline(in, text);) number += text == line ? 1 : 0;
    return number;
  }

  const ScratchFolder folder_;
};

TEST_F(Farm, EveryCellComesBackOnceWithItsFiles) {
  answer("6.1", Status::pass);
  answer("6.12", Status::pass);
  const auto run = value_of(farm({"6.1", "6.12"}, {"h1", "h2"}));
  EXPECT_EQ(run.code, ExitCode::pass);
  ASSERT_EQ(run.cells.size(), 2u);
  EXPECT_EQ(contents(folder_.path() / "out/6.12-root/console.log"), "hello");
  const auto written = value_of(read_results(folder_.path() / "out/results.json"));
  EXPECT_EQ(to_json(written), to_json(run));
  EXPECT_EQ(value_of(read_results(folder_.path() / "out/6.1-root/results.json")).cells.size(), 1u);
}

TEST_F(Farm, FailureIsFinalAndNotTriedAgain) {
  answer("6.1", Status::fail);
  const auto run = value_of(farm({"6.1"}, {"h1", "h2"}));
  EXPECT_EQ(run.code, ExitCode::fail);
  EXPECT_EQ(lines_with("ran", "6.1"), 1);
}

TEST_F(Farm, JobsOfADeadHostRunOnAnother) {
  for (const auto* kernel : {"5.10", "6.1", "6.12"}) answer(kernel, Status::pass);
  const auto run = value_of(farm({"5.10", "6.1", "6.12"}, {"dead", "cut", "h1"}));
  EXPECT_EQ(run.code, ExitCode::pass);
  EXPECT_EQ(run.cells.size(), 3u);
  EXPECT_GE(lines_with("asked", "dead"), 1);
  EXPECT_GE(lines_with("asked", "cut"), 1);
}

TEST_F(Farm, LostJobIsMissAndNoPass) {
  answer("6.1", Status::pass);
  const auto run = value_of(farm({"6.1"}, {"dead"}));
  EXPECT_EQ(run.code, ExitCode::no_results);
  ASSERT_EQ(run.cells.size(), 1u);
  EXPECT_TRUE(is_missing(run.cells[0]));
  EXPECT_THAT(run.cells[0].verdict.reasons.at(0), HasSubstr("lost its connection on dead"));
  EXPECT_EQ(lines_with("asked", "dead"), 3);
}

TEST_F(Farm, RunThatCannotStartIsTriedElsewhereAndSaid) {
  answer("6.1", Status::pass);
  const auto run = value_of(farm({"6.1", "sid"}, {"h1", "h2"}));
  EXPECT_EQ(run.code, ExitCode::could_not_start);
  EXPECT_EQ(lines_with("ran", "sid"), 3);
  EXPECT_THAT(run.cells[1].verdict.reasons.at(0), HasSubstr("ended with 125"));
}

TEST_F(Farm, HalfAnAnswerIsNoResult) {
  answer("6.1", Status::pass);
  const auto run = value_of(farm({"6.1"}, {"short"}));
  EXPECT_EQ(run.code, ExitCode::no_results);
  EXPECT_THAT(run.cells[0].verdict.reasons.at(0), HasSubstr("not whole"));
  EXPECT_FALSE(fs::exists(folder_.path() / "out/6.1-root"));
}

TEST_F(Farm, ExitCodeThatContradictsTheResultIsNoResult) {
  answer("6.1", Status::fail);
  folder_.write("answers/6.1-root/code", "0\n");
  const auto run = value_of(farm({"6.1"}, {"h1"}));
  EXPECT_EQ(run.code, ExitCode::no_results);
  EXPECT_THAT(run.cells[0].verdict.reasons.at(0), HasSubstr("ended with 0, but"));
}

TEST_F(Farm, ResultOfAnotherCellIsNoResult) {
  answer("6.12", Status::pass);
  fs::rename(folder_.path() / "answers/6.12-root", folder_.path() / "answers/6.1-root");
  const auto run = value_of(farm({"6.1"}, {"h1"}));
  EXPECT_EQ(run.code, ExitCode::no_results);
  EXPECT_THAT(run.cells[0].verdict.reasons.at(0), HasSubstr("another cell"));
}

TEST_F(Farm, LinkInTheAnswerIsNoResult) {
  answer("6.1", Status::pass);
  fs::create_symlink("/etc/passwd", folder_.path() / "answers/6.1-root/passwd");
  const auto run = value_of(farm({"6.1"}, {"h1"}));
  EXPECT_EQ(run.code, ExitCode::no_results);
}

TEST_F(Farm, ResumedFarmRunsWhatIsLackingOnly) {
  answer("6.1", Status::fail);
  answer("6.12", Status::pass);
  const auto first = value_of(farm({"6.1", "sid", "6.12"}, {"h1"}));
  EXPECT_TRUE(is_missing(first.cells[1]));
  answer("sid", Status::pass);
  fs::remove(folder_.path() / "out/6.12-root/results.json");
  const auto again = value_of(farm({"6.1", "sid", "6.12"}, {"h1"}, true));
  EXPECT_EQ(again.code, ExitCode::fail);
  EXPECT_EQ(again.cells[1].verdict.code, ExitCode::pass);
  EXPECT_EQ(again.cells[2].verdict.code, ExitCode::pass);
  EXPECT_EQ(lines_with("ran", "6.1"), 1);
  EXPECT_EQ(lines_with("ran", "sid"), 4);
  EXPECT_EQ(lines_with("ran", "6.12"), 2);
}

TEST_F(Farm, ResumeOfOtherJobsIsRefused) {
  answer("6.1", Status::pass);
  value_of(farm({"6.1"}, {"h1"}));
  const auto run = farm({"6.12"}, {"h1"}, true);
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("holds other jobs"));
}

TEST_F(Farm, WithoutAUsableHostNothingIsRun) {
  script("nsgate", "echo nsgate 0.0.9\n");
  const auto run = farm({"6.1"}, {"h1"});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, ExitCode::could_not_start);
}

TEST(RemoteJob, VerdictsAreFinal) {
  for (const int code : {0, 1, 2, 3, 4, 124}) EXPECT_TRUE(is_verdict(code)) << code;
  for (const int code : {-1, 5, 125, 126, 127, 130, 137, 255}) EXPECT_FALSE(is_verdict(code));
}

TEST(RemoteJob, LineThatCannotBeSentIsRefused) {
  RunRequest request;
  request.cells = {{.kernel = "6.1"}};
  EXPECT_EQ(
      value_of(job_lines("/n s", request)),
      "6.1-root\t'/n s' run --kernel 6.1 --user root --cell-deadline 300 --test-deadline 45\n");
  request.filter = "A\tB";
  EXPECT_FALSE(job_lines("n", request));
}

/// What a job of `line` prints or leaves, told by a shell script that calls it with "sh job". The
/// script runs in the folder, of which "tmp" is the host's TMPDIR.
std::string told(const ScratchFolder& folder, const std::string& line, const std::string& script) {
  auto job = remote_job_command();
  job.replace(job.find("{2}"), 3, shell_quoted(line));
  folder.write("job", job + "\nexit\n");
  fs::create_directory(folder.path() / "tmp");
  const auto ran = run({.argv = {"sh", "-c", script},
                        .extra_env = {"TMPDIR=" + (folder.path() / "tmp").string()},
                        .stderr_file = {},
                        .working_directory = folder.path()},
                       std::chrono::seconds(20));
  return ran ? ran->out : ran.error().message;
}

TEST(RemoteJob, TidiesUpAlthoughItsGroupIsKilled) {
  const ScratchFolder folder;
  const auto nsgate = folder.write("nsgate",
                                   "echo >$TMPDIR/own; echo $TMPDIR/* >began\n"
                                   "cat >/dev/null; exit 130\n");
  // The signals are those of parallel's watcher. Once the job's lock can be had, the job is gone.
  EXPECT_THAT(told(folder, "sh " + nsgate.string(),
                   "mkfifo line began; setsid sh job <line >/dev/null & exec 8>line; "
                   "read own <began; echo $own; "
                   "exec 7<$(dirname $own); "
                   "kill -TERM -$!; kill -TERM -$!; kill -KILL -$!; wait; "
                   "exec 8>&-; flock 7; ls -A tmp; echo ended"),
              testing::MatchesRegex("/.*/tmp/nsgate-job-[^/]*/own\nended\n"));
}

TEST(RemoteJob, RemovesWhatDeadJobsLeftAndNothingElse) {
  const ScratchFolder folder;
  folder.write("tmp/nsgate-job-dead/results/console.log", "x");
  folder.write("tmp/nsgate-job-alive/results/console.log", "x");
  folder.write("tmp/other/file", "x");
  folder.write("elsewhere/file", "x");
  fs::create_directory_symlink(folder.path() / "elsewhere", folder.path() / "tmp/nsgate-job-link");
  EXPECT_EQ(told(folder, "true",
                 "exec 7<tmp/nsgate-job-alive; flock 7; sh job >/dev/null; "
                 "echo $?; ls tmp; ls elsewhere"),
            "0\nnsgate-job-alive\nnsgate-job-link\nother\nfile\n");
}

TEST(RemoteJob, HostThatFallsSilentIsNoticed) {
  EXPECT_THAT(ssh_of({"ssh -p 1", "h", 0}), testing::StartsWith("ssh -p 1 -o "));
  EXPECT_THAT(ssh_of({}), HasSubstr("ServerAliveInterval"));
}

}  // namespace
}  // namespace nsgate::lab
