// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/guarded_child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "value_of.h"

namespace nsgate::lab {
namespace {

using How = GuardedEnd::How;
using namespace std::chrono_literals;

constexpr auto short_limit = 100ms;

void spin() {
  for (volatile bool on = true; on;) {
  }
}

TEST(GuardedChild, WorkThatEndsIsHeard) {
  const auto end = value_of(
      run_guarded([](int report) { [[maybe_unused]] const auto n = ::write(report, "done", 4); },
                  {.work = 10s}));
  EXPECT_EQ(end.how, How::ended);
  EXPECT_EQ(end.wait_status, 0);
  EXPECT_EQ(end.said, "done");
}

TEST(GuardedChild, WorkThatDiesTellsItsSignal) {
  const auto end = value_of(run_guarded([](int) { ::raise(SIGILL); }, {.work = 10s}));
  EXPECT_EQ(end.how, How::ended);
  ASSERT_TRUE(WIFSIGNALED(end.wait_status));
  EXPECT_EQ(WTERMSIG(end.wait_status), SIGILL);
}

TEST(GuardedChild, WorkThatSpinsIsKilledAtItsLimit) {
  const auto start = std::chrono::steady_clock::now();
  const auto end = value_of(run_guarded([](int) { spin(); }, {.work = short_limit}));
  EXPECT_EQ(end.how, How::killed);
  EXPECT_GE(std::chrono::steady_clock::now() - start, short_limit);
  EXPECT_EQ(::waitpid(end.pid, nullptr, WNOHANG), -1) << "it was not reaped";
}

// A child that ignores SIGKILL cannot be made on purpose: here the signal is not sent.
TEST(GuardedChild, ChildThatDoesNotDieIsAbandonedAndNotWaitedFor) {
  std::array<int, 2> asked{};
  const auto end = value_of(run_guarded(
      [](int) { spin(); },
      {.work = short_limit, .death = short_limit, .kill = [&asked](pid_t pid, int signal) {
         asked = {pid, signal};
         return 0;
       }}));
  EXPECT_EQ(end.how, How::abandoned);
  EXPECT_EQ(asked, (std::array<int, 2>{end.pid, SIGKILL}));
  ASSERT_EQ(::kill(end.pid, SIGKILL), 0) << "it is gone";
  EXPECT_EQ(::waitpid(end.pid, nullptr, 0), end.pid);
}

// What it holds open, the caller's caller would wait for: the end of a pipe of ours for instance.
TEST(GuardedChild, AbandonedChildHoldsNoDescriptorOfTheCaller) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_NONBLOCK), 0);
  const auto end = value_of(run_guarded(
      [](int) { spin(); },
      {.work = short_limit, .death = short_limit, .kill = [](pid_t, int) { return 0; }}));
  ::close(pipe[1]);
  char byte = 0;
  EXPECT_EQ(::read(pipe[0], &byte, 1), 0) << "no end of file: the child holds the other end";
  ::close(pipe[0]);
  ::kill(end.pid, SIGKILL);
  ::waitpid(end.pid, nullptr, 0);
}

}  // namespace
}  // namespace nsgate::lab
