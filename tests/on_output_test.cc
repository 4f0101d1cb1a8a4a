// SPDX-License-Identifier: Apache-2.0
//
// Output that is handed on as it comes, and limits that differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/process_state.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using Stream = Command::Stream;

std::string letters(std::initializer_list<std::pair<std::size_t, char>> runs) {
  std::string text;
  for (const auto& [count, letter] : runs) text.append(count, letter);
  return text;
}

TEST(Exec, EachStreamHasALimitOfItsOwn) {
  BEHAVIOUR("EX13");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto cut = [&, &run = execute](std::size_t out, std::size_t err) {
      return run(
          {.argv = {helper(), "write", "70000", "70000"}, .out_limit = out, .err_limit = err});
    };

    const auto out = cut(69999, 70000);
    const auto err = cut(70000, 0);

    ASSERT_THAT(out, ExitsWith(0));
    EXPECT_EQ(out->out.size(), 69999u);
    EXPECT_TRUE(out->out_truncated);
    EXPECT_EQ(out->err.size(), 70000u);
    EXPECT_FALSE(out->err_truncated);
    ASSERT_THAT(err, ExitsWith(0));
    EXPECT_EQ(err->out.size(), 70000u);
    EXPECT_FALSE(err->out_truncated);
    EXPECT_EQ(err->err, "");
    EXPECT_TRUE(err->err_truncated);
  }
}

TEST(Exec, CallbackGetsBothStreamsWholeAndInOrderInsteadOfTheResult) {
  BEHAVIOUR("EX13");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    std::map<Stream, std::string> seen;
    bool on_calling_thread = true;
    const auto caller = std::this_thread::get_id();

    const auto ended =
        execute({.argv = {helper(), "chunks", "o100000", "e5", "o3", "e100000", "o7"},
                 .out_limit = 1,
                 .on_output = [&](Stream stream, std::string_view bytes) {
                   seen[stream] += bytes;
                   on_calling_thread = on_calling_thread && std::this_thread::get_id() == caller;
                 }});

    ASSERT_THAT(ended, Prints(""));
    EXPECT_EQ(ended->err, "");
    EXPECT_FALSE(ended->out_truncated);
    EXPECT_TRUE(on_calling_thread);
    EXPECT_TRUE(seen[Stream::out] == letters({{100000, 'a'}, {3, 'c'}, {7, 'e'}}));
    EXPECT_TRUE(seen[Stream::err] == letters({{5, 'b'}, {100000, 'd'}}));
  }
}

TEST(Exec, CallbackGetsOutputWhileTheProgramRuns) {
  BEHAVIOUR("EX13");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    std::string seen;

    // The child of `linger` ends with the line, which ends when the first output has come.
    const auto ended = execute({.argv = {helper(), "linger"},
                                .stdin_fd = line.far.get(),
                                .on_output =
                                    [&](Stream, std::string_view bytes) {
                                      seen += bytes;
                                      ::shutdown(line.near.get(), SHUT_WR);
                                    },
                                .until = Command::Until::end_of_file});

    EXPECT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(seen, "early\nlate\n");
  }
}

TEST(Exec, ExceptionOfTheCallbackLeavesTheCallAndKillsTheProgram) {
  BEHAVIOUR("EX13 SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    const ProcessState before;
    const auto throwing = [](Stream, std::string_view bytes) {
      throw std::runtime_error(std::string(bytes));
    };

    EXPECT_THROW(
        (void)execute(
            {.argv = {helper(), "flood"}, .stdin_fd = line.far.get(), .on_output = throwing}),
        std::runtime_error);

    EXPECT_EQ(ProcessState(), before);
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL), 0);
    EXPECT_EQ(info.si_pid, 0) << "a dead child is left";
    EXPECT_TRUE(line.ends());
  }
}

TEST(Exec, CallbackIsNotCalledForAProgramThatWritesNothing) {
  BEHAVIOUR("SG10");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    int calls = 0;
    const auto count = [&](Stream, std::string_view) { ++calls; };

    EXPECT_THAT(execute({.argv = {helper(), "exit", "0"}, .on_output = count}), ExitsWith(0));
    EXPECT_THAT(execute({.argv = {"/no/such/program"}, .on_output = count}),
                FailsAt(Stage::exec, ENOENT));
    EXPECT_EQ(calls, 0);
  }
}

}  // namespace
}  // namespace nsgate::test
