// SPDX-License-Identifier: Apache-2.0
//
// Closures that end or double the whole process: a thread isolates no faults.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/run_inside.h"

namespace nsgate::test {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

TEST(InNetns, PthreadExitOutOfANoexceptClosureAborts) {
  BEHAVIOUR("XD06");
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([]() noexcept { ::pthread_exit(nullptr); }), KilledBySignal(SIGABRT),
              "terminate called without an active exception");
}

TEST(InNetns, PthreadExitIntoACatchAllOfTheClosureAborts) {
  BEHAVIOUR("XD05");
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([] {
                try {
                  ::pthread_exit(nullptr);
                } catch (...) {
                }
              }),
              KilledBySignal(SIGABRT), "FATAL: exception not rethrown");
}

void tell_netns() { std::cerr << "at exit in " << current_netns() << '\n'; }

TEST(InNetns, ExitInTheClosureEndsTheProcessFromInside) {
  BEHAVIOUR("XD09");
  REQUIRES(root);
  const ScratchNetns other;

  EXPECT_EXIT(
      {
        std::atexit(&tell_netns);
        (void)in_netns(Target::process(other.pid()), [] { std::exit(7); });
      },
      ExitedWithCode(7), "at exit in " + ::testing::PrintToString(other.id()));
}

TEST(InNetns, ForkThatReturnsInBothProcessesEndsTheChildWithStatus0) {
  BEHAVIOUR("XD10");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  std::unique_ptr<FILE, int (*)(FILE*)> buffered(::fdopen(ends[1], "w"), &std::fclose);
  // Else the child would print again what is still in the buffers of the test's own streams.
  std::fflush(nullptr);
  std::fputs("once ", buffered.get());

  const auto pid = in_netns(Target::process(other.pid()), [] { return ::fork(); });
  ASSERT_THAT(pid, IsOkAndHolds(::testing::Gt(0)));
  int status = -1;
  EXPECT_EQ(::waitpid(*pid, &status, 0), *pid);
  buffered.reset();

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::array<char, 64> text{};
  const auto size = ::read(read_end.get(), text.data(), text.size());
  EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(size)), "once once ");
}

TEST(InNetns, FaultInTheClosureKillsTheProcess) {
  BEHAVIOUR("XD11");
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([] { std::terminate(); }), KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(run_inside([] { std::abort(); }), KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(run_inside([] {
                ::signal(SIGSEGV, SIG_DFL);
                ::raise(SIGSEGV);
              }),
              KilledBySignal(SIGSEGV), "");
}

TEST(ExecInNetns, FaultInTheProgramKillsTheProgramOnly) {
  BEHAVIOUR("XD11");
  REQUIRES(root);
  const ScratchNetns other;

  const auto finished = exec_in_netns(Target::process(other.pid()),
                                      {.argv = {helper(), "signal", std::to_string(SIGSEGV)}});

  ASSERT_THAT(finished, IsOk());
  EXPECT_EQ(finished->how, End(Signaled{SIGSEGV, false}));
}

}  // namespace
}  // namespace nsgate::test
