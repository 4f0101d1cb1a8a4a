// SPDX-License-Identifier: Apache-2.0
//
// What a command says of the program's variables, its directory and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/process_state.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"

namespace nsgate::test {
namespace {

using namespace std::string_literals;

const std::string helper_directory = std::filesystem::path(helper()).parent_path();

std::string out_of(const Result<Finished>& ended) {
  return ended ? ended->out : ended.error().message();
}

TEST(Exec, AddedVariablesReplaceThoseOfTheSameName) {
  BEHAVIOUR("SG07");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto env = [&, &run = execute](std::vector<std::string> own,
                                         std::vector<std::string> add) {
      return out_of(
          run({.argv = {helper(), "env"}, .env = std::move(own), .env_add = std::move(add)}));
    };

    EXPECT_EQ(env({"A=1", "B=2"}, {"C=3"}), "A=1\0B=2\0C=3\0"s);
    EXPECT_EQ(env({"A=1", "B=2"}, {"A=3"}), "B=2\0A=3\0"s);
    EXPECT_EQ(env({"A=1", "B=2", "A=3"}, {"A=4"}), "B=2\0A=4\0"s);
    // As execve(2) takes them: what is added twice is there twice.
    EXPECT_EQ(env({"A=1"}, {"A=2", "A=3"}), "A=2\0A=3\0"s);
    EXPECT_EQ(env({"AA=1", "A=2"}, {"A=3"}), "AA=1\0A=3\0"s);
    EXPECT_EQ(env({"A", "A=1"}, {"A="}), "A\0A=\0"s);
    EXPECT_EQ(env({"A=1"}, {"odd"}), "A=1\0odd\0"s);
    EXPECT_EQ(env({}, {"A=1"}), "A=1\0"s);
  }
}

TEST(Exec, AddedVariablesReplaceTheCallers) {
  BEHAVIOUR("SG07");
  REQUIRES(userns);
  ASSERT_EQ(::setenv("NSGATE_TEST_MARK", "of the caller", 1), 0);
  ASSERT_EQ(::setenv("NSGATE_TEST_REST", "stays", 1), 0);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto env =
        out_of(execute({.argv = {helper(), "env"}, .env_add = {"NSGATE_TEST_MARK=new"}}));

    EXPECT_THAT(env, ::testing::EndsWith("NSGATE_TEST_MARK=new\0"s));
    EXPECT_THAT(env, ::testing::HasSubstr("NSGATE_TEST_REST=stays\0"s));
    EXPECT_THAT(env, ::testing::Not(::testing::HasSubstr("of the caller")));
    EXPECT_STREQ(::getenv("NSGATE_TEST_MARK"), "of the caller");
  }
}

TEST(Exec, ProgramIsLookedUpInAnAddedPath) {
  BEHAVIOUR("EX21");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const std::vector<std::string> argv{"nsgate_helper", "exit", "3"};

    EXPECT_THAT(execute({.argv = argv, .env_add = {"PATH=" + helper_directory}}), ExitsWith(3));
    EXPECT_THAT(
        execute(
            {.argv = argv, .env = {{"PATH=" + helper_directory}}, .env_add = {"PATH=/nowhere"}}),
        FailsAt(Stage::exec, ENOENT));
  }
}

TEST(Exec, ProgramStartsInItsDirectory) {
  BEHAVIOUR("EX21");
  REQUIRES(userns);
  const ScratchDirectory directory;
  std::filesystem::permissions(directory.path(), static_cast<std::filesystem::perms>(0755));
  (void)directory.file("mark", "here");
  std::filesystem::create_symlink(helper(), directory.path() / "program");
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const ProcessState before;
    const auto there = [&, &run = execute](const Command& command) {
      Command moved = command;
      moved.directory = directory.path();
      return run(moved);
    };

    EXPECT_THAT(there({.argv = {helper(), "file", "mark"}}), Prints("here"));
    // What is relative is so to that directory, and not to the caller's.
    EXPECT_THAT(there({.argv = {"./program", "file", "mark"}}), Prints("here"));
    EXPECT_THAT(there({.argv = {"program", "file", "mark"}, .env = {{"PATH=."}}}), Prints("here"));
    EXPECT_THAT(execute({.argv = {"./program", "file", "mark"}}), FailsAt(Stage::exec, ENOENT));
    EXPECT_EQ(ProcessState(), before);
  }
}

TEST(Exec, DirectoryThatIsNoneIsAnErrorOfItsOwnStage) {
  BEHAVIOUR("EX03");
  REQUIRES(userns);
  const ScratchDirectory directory;
  const auto file = directory.file("file", "");
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto in = [&, &run = execute](const std::string& path) {
      return run({.argv = {helper(), "exit", "0"}, .directory = path});
    };

    EXPECT_THAT(in("/no/such/directory"), FailsAt(Stage::directory, ENOENT));
    EXPECT_THAT(in(file), FailsAt(Stage::directory, ENOTDIR));
    EXPECT_THAT(in("/\0/"s), FailsAt(Stage::exec, EINVAL));
  }
}

TEST(Exec, DirectoryIsEnteredWithTheProgramsOwnIds) {
  BEHAVIOUR("EX03");
  REQUIRES(userns);
  REQUIRES(root);
  const ScratchDirectory of_root;
  std::filesystem::permissions(of_root.path(), static_cast<std::filesystem::perms>(0700));
  const ScratchNetns net;
  const UserScratch of_uid_1000(UserScratch::Map::owner_to_zero, 1000);
  const Command command{.argv = {helper(), "exit", "0"}, .directory = of_root.path()};
  Command as_uid_1000 = command;
  as_uid_1000.credentials = {.uid = 1000, .gid = 1000};

  EXPECT_THAT(exec_in_netns(Target::process(net.pid()), command), ExitsWith(0));
  EXPECT_THAT(exec_in_netns(Target::process(net.pid()), as_uid_1000),
              FailsAt(Stage::directory, EACCES));
  EXPECT_THAT(exec_in_user_netns(UserTarget::process(of_uid_1000.pid()), command),
              FailsAt(Stage::directory, EACCES));
}

TEST(Exec, ProgramCanBeKeptFromNewPrivileges) {
  BEHAVIOUR("EX18");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto flag = [&, &run = execute](bool set) {
      return out_of(run({.argv = {helper(), "status", "NoNewPrivs"}, .no_new_privs = set}));
    };

    EXPECT_EQ(flag(true), "1\n");
    EXPECT_EQ(flag(false), "0\n");
  }
}

TEST(Exec, EachEndHasTheExitCodeOfAWrapper) {
  BEHAVIOUR("EX05");
  REQUIRES(userns);
  const ScratchDirectory directory;
  const auto no_program_text = directory.file("text", "no program");
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto code = [&, &run = execute](const Command& command) {
      return exit_code(run(command));
    };

    EXPECT_EQ(code({.argv = {helper(), "exit", "0"}}), 0);
    EXPECT_EQ(code({.argv = {helper(), "exit", "255"}}), 255);
    EXPECT_EQ(code({.argv = {helper(), "signal", "9"}}), 128 + 9);
    EXPECT_EQ(code({.argv = {helper(), "signal", "15"}}), 128 + 15);
    EXPECT_EQ(code({.argv = {"/no/such/program"}}), 127);
    EXPECT_EQ(code({.argv = {"no-such-program"}, .env = {{"PATH=/nowhere"}}}), 127);
    EXPECT_EQ(code({.argv = {"/"}}), 126);
    EXPECT_EQ(code({.argv = {no_program_text}}), 126);
    EXPECT_EQ(code({.argv = {}}), 126);
    EXPECT_EQ(code({.argv = {helper()}, .directory = "/no/such/directory"}), 125);
    EXPECT_EQ(code({.argv = {helper(), "hang"}, .deadline = std::chrono::milliseconds(1)}), 125);
  }
}

TEST(ExitCode, TellsAnEntryThatFailedAndAnUnknownEnd) {
  BEHAVIOUR("EX05 EX15");
  const auto of = [](Error error) { return exit_code(std::unexpected(std::move(error))); };

  EXPECT_EQ(exit_code(Finished{.how = Unknown{}, .out = {}, .err = {}}), 125);
  EXPECT_EQ(exit_code(Finished{.how = Signaled{6, true}, .out = {}, .err = {}}), 134);
  EXPECT_EQ(of({Stage::setns_net, EPERM, ""}), 125);
  EXPECT_EQ(of({Stage::open, ENOENT, ""}), 125);
  // Killed before it became the program.
  EXPECT_EQ(of({Stage::exec, 0, "", SIGKILL}), 125);
}

}  // namespace
}  // namespace nsgate::test
