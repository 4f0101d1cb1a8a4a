// SPDX-License-Identifier: Apache-2.0
//
// What comes back of a program's output, and when.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

TEST(Exec, BothStreamsArriveWholeHoweverLongTheyAre) {
  BEHAVIOUR("EX13");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "write", "1048576", "1048576"}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_TRUE(ended->out == std::string(1 << 20, 'o')) << ended->out.size() << " bytes";
    EXPECT_TRUE(ended->err == std::string(1 << 20, 'e')) << ended->err.size() << " bytes";
    EXPECT_FALSE(ended->out_truncated);
    EXPECT_FALSE(ended->err_truncated);
  }
}

TEST(Exec, CaptureLimitCutsAndSaysSoWithoutKilling) {
  BEHAVIOUR("EX13");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "write", "200000", "100000"},
                                .out_limit = 100000,
                                .err_limit = 100000});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out.size(), 100000u);
    EXPECT_TRUE(ended->out_truncated);
    EXPECT_EQ(ended->err.size(), 100000u);
    EXPECT_FALSE(ended->err_truncated);
  }
}

TEST(Exec, ReturnsAtTheExitAlthoughAChildHoldsTheStreams) {
  BEHAVIOUR("EX14");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Line line;

    const auto ended = execute({.argv = {helper(), "linger"}, .stdin_fd = line.far.get()});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, "early\n");
  }
}

TEST(Exec, WaitsForTheEndOfTheStreamsWhenAsked) {
  BEHAVIOUR("EX14");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    auto waiting = std::async(std::launch::async, [&, &run = execute] {
      return run({.argv = {helper(), "linger"},
                  .stdin_fd = line.far.get(),
                  .until = Command::Until::end_of_file});
    });

    siginfo_t info{};
    const pid_t pid = line.read_pid();
    const int exited = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
    ::shutdown(line.near.get(), SHUT_WR);
    const auto ended = waiting.get();

    EXPECT_EQ(exited, 0) << "the program was reaped before its streams had ended";
    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, "early\nlate\n");
  }
}

TEST(Exec, NegativeDeadlineIsOverAtOnceHoweverFarBack) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  // Counted in nanoseconds it would wrap around, into the years to come.
  constexpr std::chrono::milliseconds far_back(-13'835'058'055'282);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    for (const auto deadline : {far_back, -1ms, 0ms}) {
      EXPECT_THAT(execute({.argv = {helper(), "hang"}, .deadline = deadline}),
                  FailsAt(Stage::wait, ETIMEDOUT));
    }
  }
}

TEST(Exec, DeadlineKillsAndReapsTheProgram) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    const OpenFds before;

    const auto ended =
        execute({.argv = {helper(), "hang"}, .stdin_fd = line.far.get(), .deadline = 100ms});

    EXPECT_THAT(ended, FailsAt(Stage::wait, ETIMEDOUT));
    EXPECT_EQ(OpenFds(), before);
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    EXPECT_EQ(info.si_pid, 0) << "a dead child is left";
    line.far.reset();
    char byte = 0;
    EXPECT_EQ(::recv(line.near.get(), &byte, 1, MSG_DONTWAIT), 0) << "the program is alive";
  }
}

TEST(Exec, DeadlineSparesTheChildrenOfTheProgram) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;

    const auto ended = execute({.argv = {helper(), "linger"},
                                .stdin_fd = line.far.get(),
                                .deadline = 500ms,
                                .until = Command::Until::end_of_file});

    EXPECT_THAT(ended, FailsAt(Stage::wait, ETIMEDOUT));
    line.far.reset();
    EXPECT_GT(line.read_pid(), 0);
    char byte = 0;
    EXPECT_EQ(::recv(line.near.get(), &byte, 1, MSG_DONTWAIT), -1) << "nobody holds stdin any more";
    EXPECT_EQ(errno, EAGAIN);
  }
}

TEST(Exec, DeadlineHoldsForAProgramThatNeverStopsWriting) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {helper(), "flood"}, .out_limit = 1, .deadline = 100ms}),
                FailsAt(Stage::wait, ETIMEDOUT));
  }
}

TEST(Exec, AnEndlessDeadlineIsNoDeadline) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(
        execute({.argv = {helper(), "exit", "3"}, .deadline = std::chrono::milliseconds::max()}),
        ExitsWith(3));
  }
}

TEST(Exec, StdinIsEmptyUnlessGiven) {
  BEHAVIOUR("SG03");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Fd given(::memfd_create("stdin", MFD_CLOEXEC));
    const std::string bytes = "a\0\xff\nb"s;
    ASSERT_EQ(::pwrite(given.get(), bytes.data(), bytes.size(), 0), 5);

    const auto with = execute({.argv = {helper(), "stdin"}, .stdin_fd = given.get()});
    const bool empty_without = answer_of_child([&, &run = execute, program = helper()] {
      // The caller's own stdin has something to read.
      ::lseek(given.get(), 0, SEEK_SET);
      ::dup2(given.get(), STDIN_FILENO);
      const auto without = run({.argv = {program, "stdin"}});
      return without && without->succeeded() && without->out.empty();
    });

    ASSERT_THAT(with, ExitsWith(0));
    EXPECT_EQ(with->out, bytes);
    EXPECT_TRUE(empty_without);
    EXPECT_GE(::fcntl(given.get(), F_GETFD), 0) << "a borrowed descriptor was closed";
  }
}

TEST(Exec, ProgramMayCloseItsOutputEarly) {
  BEHAVIOUR("SG10");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "abandon-stdout"}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, "");
    EXPECT_EQ(ended->err, "still here");
  }
}

TEST(Exec, ProgramMayIgnoreItsInput) {
  BEHAVIOUR("SG10");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    ASSERT_EQ(::send(line.near.get(), "unread", 6, 0), 6);

    const auto ended = execute({.argv = {helper(), "exit", "3"}, .stdin_fd = line.far.get()});

    EXPECT_THAT(ended, ExitsWith(3));
    // No copy of it is left, so that the writer learns that nobody will read.
    line.far.reset();
    EXPECT_EQ(::send(line.near.get(), "more", 4, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, EPIPE);
  }
}

}  // namespace
}  // namespace nsgate::test
