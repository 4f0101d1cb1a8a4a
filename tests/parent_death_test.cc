// SPDX-License-Identifier: Apache-2.0
//
// The program's parent-death signal, when it is asked for.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

std::string death_signal_of_ties(const Result<Finished>& ended) {
  return ended ? ended->out.substr(ended->out.rfind(' ') + 1) : ended.error().message();
}

TEST(Exec, ProgramHasTheParentDeathSignalThatWasAskedFor) {
  BEHAVIOUR("EX09");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Command ties{.argv = {helper(), "ties"}, .parent_death_signal = SIGUSR1};

    EXPECT_EQ(death_signal_of_ties(execute(ties)), std::to_string(SIGUSR1) + '\n');
  }
}

TEST(ExecInUserNetns, ParentDeathSignalOutlivesJoiningAnotherUsersUserns) {
  BEHAVIOUR("EX09 UN08");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const Command ties{.argv = {helper(), "ties"}, .parent_death_signal = SIGUSR1};

  for (const auto plan : {Plan::one_shot, Plan::sequential}) {
    EXPECT_EQ(
        death_signal_of_ties(exec_in_user_netns(UserTarget::process(other.pid()), ties, plan)),
        std::to_string(SIGUSR1) + '\n');
  }
}

TEST(ExecInNetns, ParentDeathSignalOutlivesOtherIds) {
  BEHAVIOUR("EX09");
  REQUIRES(root);
  const ScratchNetns other;
  const Command ties{.argv = {helper(), "ties"},
                     .credentials = {{.uid = 1000, .gid = 1000}},
                     .parent_death_signal = SIGUSR1};

  EXPECT_EQ(death_signal_of_ties(exec_in_netns(Target::process(other.pid()), ties)),
            std::to_string(SIGUSR1) + '\n');
}

TEST(Exec, ProgramDiesWithTheProcessThatStartedIt) {
  BEHAVIOUR("EX09");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    const pid_t caller = ::fork();
    ASSERT_GE(caller, 0);
    if (caller == 0) {
      (void)execute({.argv = {helper(), "stop", "0"},
                     .stdin_fd = line.far.get(),
                     .parent_death_signal = SIGKILL});
      ::_exit(1);
    }

    const pid_t program = line.read_pid();
    ::kill(caller, SIGKILL);
    ::waitpid(caller, nullptr, 0);

    EXPECT_GT(program, 0);
    EXPECT_TRUE(line.ends());
  }
}

TEST(Exec, ProgramDiesWithTheThreadThatStartedItAlthoughTheProcessLives) {
  BEHAVIOUR("EX10");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const int signal = answer_of_child([&, &run = execute] {
      std::thread([&] {
        // Ends without unwinding, so that nothing but the signal ends the program.
        (void)run({.argv = {helper(), "flood"},
                   .on_output = [](auto, auto) { ::syscall(SYS_exit, 0); },
                   .parent_death_signal = SIGUSR1});
      }).detach();
      // Of a program that is not told.
      ::alarm(20);
      int status = 0;
      while (::waitpid(-1, &status, __WALL) < 0 && errno == ECHILD) {
      }
      return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
    });

    EXPECT_EQ(signal, SIGUSR1);
  }
}

}  // namespace
}  // namespace nsgate::test
