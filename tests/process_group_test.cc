// SPDX-License-Identifier: Apache-2.0
//
// A program that leads a process group of its own, and who is killed with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <stdexcept>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using namespace std::chrono_literals;

/// The process group that `ties` prints.
pid_t group_in(const Result<Finished>& ended) {
  pid_t session = 0;
  pid_t group = 0;
  if (ended) std::istringstream(ended->out) >> session >> group;
  return group;
}

TEST(Exec, ProgramIsInTheCallersGroupUnlessItLeadsItsOwn) {
  BEHAVIOUR("EX17 SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto shared = execute({.argv = {helper(), "ties"}});
    const auto own = execute({.argv = {helper(), "ties"}, .own_group = true});

    EXPECT_EQ(group_in(shared), ::getpgrp());
    EXPECT_NE(group_in(own), ::getpgrp());
    EXPECT_GT(group_in(own), 0);
  }
}

/// Leaves a child that holds the line until the line ends.
Command lingering(const Line& line) {
  return {.argv = {helper(), "linger"},
          .stdin_fd = line.far.get(),
          .until = Command::Until::end_of_file,
          .own_group = true};
}

TEST(Exec, DeadlineKillsTheWholeGroupOfTheProgram) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;

    Command command = lingering(line);
    command.deadline = 100ms;

    const auto ended = execute(command);

    EXPECT_THAT(ended, FailsAt(Stage::wait, ETIMEDOUT));
    EXPECT_TRUE(line.ends()) << "the program's child lives";
  }
}

TEST(Exec, ExceptionOfTheCallbackKillsTheWholeGroupOfTheProgram) {
  BEHAVIOUR("SG06");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    Command command = lingering(line);
    command.on_output = [](auto, auto) { throw std::runtime_error("enough"); };

    EXPECT_THROW((void)execute(command), std::runtime_error);

    EXPECT_TRUE(line.ends()) << "the program's child lives";
  }
}

}  // namespace
}  // namespace nsgate::test
