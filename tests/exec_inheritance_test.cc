// SPDX-License-Identifier: Apache-2.0
//
// What a program has of its caller, besides descriptors (descriptor_test.cc), signals
// (signal_test.cc) and the environment (environment_test.cc).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/syscall_filter.h"

namespace nsgate::test {
namespace {

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string output(const Result<Finished>& result) {
  return result && result->succeeded() ? result->out : "no output";
}

struct Inherited {
  bool prepared;
  bool directory;
  bool umask;
  bool limits;
  bool oom_score;
  bool cgroup;
  bool session;
  bool restrictions;
};

TEST(Exec, ProgramHasTheAttributesOfItsCaller) {
  BEHAVIOUR("EX17");
  REQUIRES(userns);
  const ScratchDirectory directory;
  (void)directory.file("mark", "here");
  const std::string program = helper();
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto seen = answer_of_child([&, &run = execute] {
      const auto print = [&](const std::vector<std::string>& words) {
        std::vector<std::string> argv{program};
        argv.insert(argv.end(), words.begin(), words.end());
        return output(run({.argv = argv}));
      };
      ::umask(027);
      const rlimit files{123, 456};
      Inherited inherited{};
      inherited.prepared = ::chdir(directory.path().c_str()) == 0 &&
                           ::setrlimit(RLIMIT_NOFILE, &files) == 0 && ::setsid() == ::getpid() &&
                           (std::ofstream("/proc/self/oom_score_adj") << 500).flush().good() &&
                           refuse_syscall(SYS_acct, EPERM) == 0;
      inherited.directory = print({"file", "mark"}) == "here";
      inherited.umask = print({"status", "Umask"}) == "0027\n";
      inherited.limits = print({"file", "/proc/self/limits"}) == text_of("/proc/self/limits");
      inherited.oom_score = print({"file", "/proc/self/oom_score_adj"}) == "500\n";
      inherited.cgroup = print({"file", "/proc/self/cgroup"}) == text_of("/proc/self/cgroup");
      const auto own = std::to_string(::getpid());
      inherited.session = print({"ties"}).starts_with(own + ' ' + own + ' ');
      inherited.restrictions = print({"status", "NoNewPrivs", "Seccomp"}) == "1\n2\n";
      return inherited;
    });

    ASSERT_TRUE(seen.prepared);
    EXPECT_TRUE(seen.directory);
    EXPECT_TRUE(seen.umask);
    EXPECT_TRUE(seen.limits);
    EXPECT_TRUE(seen.oom_score);
    EXPECT_TRUE(seen.cgroup);
    EXPECT_TRUE(seen.session);
    EXPECT_TRUE(seen.restrictions);
  }
}

TEST(Exec, ProgramHasNoParentDeathSignal) {
  BEHAVIOUR("EX10");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "ties"}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_THAT(ended->out, ::testing::EndsWith(" 0\n"));
  }
}

// Why core sets none: a thread that runs one program and ends would kill it.
TEST(ParentDeathSignal, FollowsTheThreadThatForked) {
  BEHAVIOUR("EX10");
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
  const Fd read(ready[0]);
  const Fd write(ready[1]);

  pid_t pid = -1;
  std::thread([&] {
    pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
      // The end of a child that is not told of the thread's.
      ::alarm(20);
      [[maybe_unused]] const auto sent = ::write(write.get(), "", 1);
      while (true) ::pause();
    }
    char byte = 0;
    [[maybe_unused]] const auto received = ::read(read.get(), &byte, 1);
  }).join();
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);

  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGUSR1);
}

}  // namespace
}  // namespace nsgate::test
