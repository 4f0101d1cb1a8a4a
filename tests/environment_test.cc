// SPDX-License-Identifier: Apache-2.0
//
// The environment of a program, and how the program is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"

namespace nsgate::test {
namespace {

using namespace std::string_literals;

// MAX_ARG_STRLEN of linux/binfmts.h, which counts the NUL: 32 pages.
const std::size_t longest_word = 32 * static_cast<std::size_t>(::getpagesize()) - 1;

const std::string helper_directory = std::filesystem::path(helper()).parent_path();

TEST(Exec, EnvironmentIsExactlyTheGivenOne) {
  BEHAVIOUR("SG07");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto some = execute(
        {.argv = {helper(), "env"},
         .env = {{"A=1", "A=2", "LINES=a\nb", "EQUALS=a=b=", "EMPTY=", "odd", "BYTES=\xff\x01"}}});
    const auto none = execute({.argv = {helper(), "env"}, .env = {{}}});

    ASSERT_THAT(some, ExitsWith(0));
    EXPECT_EQ(some->out, "A=1\0A=2\0LINES=a\nb\0EQUALS=a=b=\0EMPTY=\0odd\0BYTES=\xff\x01\0"s);
    ASSERT_THAT(none, ExitsWith(0));
    EXPECT_EQ(none->out, "");
  }
}

TEST(Exec, EnvironmentIsTheCallersWhenNoneIsGiven) {
  BEHAVIOUR("SG07");
  REQUIRES(userns);
  ASSERT_EQ(::setenv("NSGATE_TEST_MARK", "x=\n", 1), 0);
  std::string own;
  for (char** entry = environ; *entry != nullptr; ++entry) own += *entry + "\0"s;
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "env"}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, own);
  }
}

TEST(Exec, LongestVariableArrivesAndALongerOneIsRefused) {
  BEHAVIOUR("EX04 SG07");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const std::string longest = "V=" + std::string(longest_word - 2, 'v');

    const auto ended = execute({.argv = {helper(), "env"}, .env = {{longest}}});
    const OpenFds before;
    const auto refused = execute({.argv = {helper(), "env"}, .env = {{longest + 'v'}}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, longest + '\0');
    EXPECT_THAT(refused, FailsAt(Stage::exec, E2BIG));
    EXPECT_EQ(OpenFds(), before);
  }
}

TEST(Exec, NameIsLookedUpInTheProgramsOwnPath) {
  BEHAVIOUR("EX21");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Command with_path{.argv = {"nsgate_helper", "exit", "3"},
                            .env = {{"PATH=/nowhere:" + helper_directory}}};
    const Command without_path{.argv = {"nsgate_helper", "exit", "3"}, .env = {{"A=1"}}};

    EXPECT_THAT(execute(with_path), ExitsWith(3));
    const auto path_of_caller = answer_of_child([&, &run = execute] {
      ::setenv("PATH", helper_directory.c_str(), 1);
      return how_it_ended(run(without_path));
    });
    EXPECT_EQ(path_of_caller, refused(Stage::exec, ENOENT));
  }
}

TEST(Exec, LookUpPassesOverWhatCannotBeExecuted) {
  BEHAVIOUR("EX21");
  REQUIRES(userns);
  const ScratchDirectory directory;
  (void)directory.file("nsgate_helper", "no program", 0644);
  const auto beside = directory.path().string();
  const auto under_a_file = directory.file("file", "");
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto look_up = [&, &run = execute](const std::string& path) {
      return run({.argv = {"nsgate_helper", "exit", "3"}, .env = {{"PATH=" + path}}});
    };

    EXPECT_THAT(look_up(beside + ":" + helper_directory), ExitsWith(3));
    EXPECT_THAT(look_up(under_a_file + ":" + helper_directory), ExitsWith(3));
    // execvp(3): the refusal is told when nothing else was found.
    EXPECT_THAT(look_up(beside + ":/nowhere"), FailsAt(Stage::exec, EACCES));
    EXPECT_THAT(look_up("/nowhere"), FailsAt(Stage::exec, ENOENT));
  }
}

TEST(Exec, RelativeProgramIsThatOfTheCallersDirectory) {
  BEHAVIOUR("EX21");
  REQUIRES(userns);
  const ScratchDirectory directory;
  std::filesystem::create_symlink(helper(), directory.path() / "program");
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto from_directory = [&, &run = execute](const Command& command) {
      return answer_of_child([&] {
        if (::chdir(directory.path().c_str()) != 0) return refused(Stage::wait, errno);
        return how_it_ended(run(command));
      });
    };

    EXPECT_EQ(from_directory({.argv = {"./program", "exit", "3"}}), exited(3));
    // An empty entry of PATH is the current directory.
    EXPECT_EQ(from_directory({.argv = {"program", "exit", "3"}, .env = {{"PATH="}}}), exited(3));
    EXPECT_EQ(from_directory({.argv = {"program", "exit", "3"}, .env = {{"PATH=/nowhere:"}}}),
              exited(3));
    EXPECT_EQ(from_directory({.argv = {"program", "exit", "3"}, .env = {{"PATH=/nowhere"}}}),
              refused(Stage::exec, ENOENT));
  }
}

}  // namespace
}  // namespace nsgate::test
