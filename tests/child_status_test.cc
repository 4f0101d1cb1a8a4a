// SPDX-License-Identifier: Apache-2.0
//
// The program's end when the rest of the process interferes: others reap, ignore or interrupt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

struct Disposition {
  const char* name;
  void (*handler)(int);
  int flags;
};

TEST(Exec, UnknowableEndIsSaidAndNotInvented) {
  BEHAVIOUR("EX15");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    for (const auto& disposition :
         {Disposition{"ignored", SIG_IGN, 0}, Disposition{"SA_NOCLDWAIT", SIG_DFL, SA_NOCLDWAIT}}) {
      SCOPED_TRACE(way + ", SIGCHLD " + disposition.name);
      struct sigaction action {};
      action.sa_handler = disposition.handler;
      action.sa_flags = disposition.flags;
      struct sigaction before {};
      ASSERT_EQ(::sigaction(SIGCHLD, &action, &before), 0);
      const OpenFds descriptors;

      const auto ended = execute({.argv = {helper(), "exit", "0"}});
      const auto missing = execute({.argv = {"/no/such/program"}});

      EXPECT_EQ(OpenFds(), descriptors);
      ::sigaction(SIGCHLD, &before, nullptr);
      EXPECT_EQ(how_it_ended(ended), unknown_end());
      EXPECT_THAT(missing, FailsAt(Stage::exec, ENOENT));
    }
  }
}

TEST(Waitpid, FindsNoChildWhenSigchldIsIgnored) {
  BEHAVIOUR("EX15");
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGCHLD, &action, nullptr), 0);

  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(7);
  const pid_t waited = ::waitpid(pid, nullptr, 0);

  EXPECT_EQ(waited, -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Exec, EndThatAnotherThreadTookIsUnknown) {
  BEHAVIOUR("SG09");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Line line;
    // The program exits at once; what it leaves behind keeps the call waiting for its streams.
    auto running = std::async(std::launch::async, [&, &run = execute] {
      return run({.argv = {helper(), "linger"},
                  .stdin_fd = line.far.get(),
                  .until = Command::Until::end_of_file});
    });

    const pid_t pid = line.read_pid();
    const pid_t stolen = ::waitpid(pid, nullptr, 0);
    ::shutdown(line.near.get(), SHUT_WR);
    const auto ended = running.get();

    EXPECT_EQ(stolen, pid);
    EXPECT_EQ(how_it_ended(ended), unknown_end());
  }
}

volatile sig_atomic_t interruptions = 0;

TEST(Exec, InterruptedSystemCallsLoseNothing) {
  BEHAVIOUR("SG09");
  REQUIRES(userns);
  struct sigaction action {};
  // Without SA_RESTART, so that every blocking call meets EINTR.
  action.sa_handler = [](int) { interruptions = interruptions + 1; };
  ASSERT_EQ(::sigaction(SIGALRM, &action, nullptr), 0);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    interruptions = 0;
    const itimerval often{{0, 2000}, {0, 2000}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);

    std::vector<Result<Finished>> ended;
    // Two megabytes take several milliseconds on any machine.
    while (interruptions < 5) {
      ended.push_back(execute({.argv = {helper(), "write", "1048576", "1048576"}}));
    }
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);

    for (const auto& one : ended) {
      ASSERT_THAT(one, ExitsWith(0));
      EXPECT_EQ(one->out.size(), 1u << 20);
      EXPECT_EQ(one->err.size(), 1u << 20);
    }
  }
}

}  // namespace
}  // namespace nsgate::test
