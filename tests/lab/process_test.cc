// SPDX-License-Identifier: Apache-2.0
#include "lab/base/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include "value_of.h"

namespace nsgate::lab {
namespace {

TEST(Process, AbandonedChildIsNeitherKilledNorWaitedFor) {
  pid_t pid = 0;
  const auto start = std::chrono::steady_clock::now();
  {
    auto child = value_of(Process::start({.argv = {"sleep", "60"}}));
    pid = child.pid();
    child.abandon();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0) << "it has ended or was reaped";
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace
}  // namespace nsgate::lab
