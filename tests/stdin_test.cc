// SPDX-License-Identifier: Apache-2.0
//
// What a program reads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_output.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using namespace std::string_literals;

TEST(Exec, StdinBytesArriveWholeHoweverManyThereAre) {
  BEHAVIOUR("SG03 EX13");
  REQUIRES(userns);
  std::string many;
  for (int i = 0; many.size() < 1 << 20; ++i) many += std::to_string(i) + '\0';
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const OpenFds before;

    for (const auto& bytes : {""s, "x"s, "\0"s, many}) {
      const auto ended = execute({.argv = {helper(), "stdin"}, .stdin_bytes = bytes});
      ASSERT_THAT(ended, ExitsWith(0));
      EXPECT_TRUE(ended->out == bytes) << ended->out.size() << " of " << bytes.size();
    }
    EXPECT_EQ(OpenFds(), before);
  }
}

TEST(Exec, ProgramMayLeaveItsStdinBytesUnread) {
  BEHAVIOUR("SG10");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(
        execute({.argv = {helper(), "exit", "3"}, .stdin_bytes = std::string(1 << 20, 'x')}),
        ExitsWith(3));
  }
}

TEST(Exec, TwoInputsAreRefused) {
  BEHAVIOUR("SG03");
  REQUIRES(userns);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {helper(), "stdin"}, .stdin_fd = null.get(), .stdin_bytes = "x"}),
                FailsAt(Stage::exec, EINVAL));
  }
}

TEST(Exec, InheritedStreamsAreTheCallers) {
  BEHAVIOUR("SG03");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto child = output_of_child([&, &run = execute] {
      const auto ended = run({.argv = {helper(), "write", "5", "0"}, .inherit_stdio = true});
      return ended && ended->succeeded() && ended->out.empty() && ended->err.empty() ? 0 : 1;
    });

    EXPECT_EQ(child.out, "ooooo");
    EXPECT_EQ(child.status, 0);
  }
}

TEST(Exec, WhatIsSaidOfStdinIsIgnoredWhenTheStreamsAreInherited) {
  BEHAVIOUR("SG03");
  REQUIRES(userns);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto code = [&, &run = execute](int stdin_fd) {
      return exit_code(run({.argv = {helper(), "exit", "3"},
                            .stdin_fd = stdin_fd,
                            .stdin_bytes = "x",
                            .inherit_stdio = true}));
    };

    EXPECT_EQ(code(null.get()), 3);
    EXPECT_EQ(code(1000), 3) << "a closed descriptor";
  }
}

TEST(Exec, InheritedStreamsMayBeClosed) {
  BEHAVIOUR("FD07");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto child = output_of_child([&, &run = execute] {
      // What core opens gets these numbers, and the program must not.
      ::close(STDIN_FILENO);
      ::close(STDERR_FILENO);
      return exit_code(run({.argv = {helper(), "fds"}, .inherit_stdio = true}));
    });

    EXPECT_EQ(child.status, 0);
    EXPECT_EQ(child.out, "1\n");
  }
}

}  // namespace
}  // namespace nsgate::test
