// SPDX-License-Identifier: Apache-2.0
//
// nsgate-enter, as its users call it: what it becomes, and what it says when it cannot.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "helper/helper.h"
#include "support/child_output.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Said {
  int status;  ///< of waitpid(2)
  std::string text;
};

/// What `nsgate-enter ARGUMENTS` prints, on stdout and stderr together. `before` returns 0 or an
/// errno.
Said enter(
    std::vector<std::string> arguments, const std::function<int()>& before = [] { return 0; }) {
  const auto program = std::filesystem::path(helper()).parent_path() / "nsgate-enter-static";
  std::vector<char*> argv{const_cast<char*>("nsgate-enter")};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const auto child = output_of_child([&] {
    ::dup2(STDOUT_FILENO, STDERR_FILENO);
    if (const int error = before(); error != 0) return error;
    ::execv(program.c_str(), argv.data());
    return 70;
  });
  return {child.status, child.out};
}

int exit_code_of(const Said& said) {
  return WIFEXITED(said.status) ? WEXITSTATUS(said.status) : -1;
}

std::string lines(const NamespaceId& id) {
  return std::to_string(id.device) + ":" + std::to_string(id.inode) + "\n";
}

TEST(Enter, BecomesTheProgramInTheNamespaceOfAPid) {
  BEHAVIOUR("TR15");
  REQUIRES(root);
  const ScratchNetns other;
  const auto pid = std::to_string(other.pid());

  EXPECT_EQ(enter({"--pid", pid, "--", helper(), "netns"}).text, lines(other.id()));
  EXPECT_EQ(enter({"-t", pid, helper(), "netns"}).text, lines(other.id()));
  EXPECT_EQ(enter({"--thread", pid, "--pid", pid, helper(), "netns"}).text, lines(other.id()));
}

TEST(Enter, TakesADescriptorAndASocketThatItInherits) {
  BEHAVIOUR("TR29");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd file = other.open("ns/net");
  const auto inherit = [&] { return ::dup2(file.get(), 9) == 9 ? 0 : errno; };

  EXPECT_EQ(enter({"--fd", "9", helper(), "netns"}, inherit).text, lines(other.id()));
  EXPECT_EQ(enter({"--path", "/proc/self/fd/9", helper(), "netns"}, inherit).text,
            lines(other.id()));
}

TEST(Enter, LeavesTheProgramItsExitCodeAndItsSignal) {
  BEHAVIOUR("EX05 SG04");
  REQUIRES(own_netns);
  const OwnScratch other;
  const auto pid = std::to_string(other.pid());
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--pid", pid, "--user", helper()});
    return enter(words).status;
  };

  EXPECT_EQ(with({"exit", "0"}), 0);
  EXPECT_EQ(WEXITSTATUS(with({"exit", "42"})), 42);
  EXPECT_TRUE(WIFSIGNALED(with({"signal", std::to_string(SIGTERM)})));
}

TEST(Enter, TellsApartNotEnteredNotExecutableAndNotFound) {
  BEHAVIOUR("EX05");
  REQUIRES(own_netns);
  const OwnScratch other;
  const auto pid = std::to_string(other.pid());

  const auto gone = enter({"--pid", "2147483647", "--user", helper(), "exit", "0"});
  const auto denied = enter({"--pid", pid, "--user", "/"});
  const auto missing = enter({"--pid", pid, "--user", "/no/such"});

  EXPECT_EQ(exit_code_of(gone), 125);
  EXPECT_THAT(gone.text, HasSubstr("pid 2147483647: ESRCH"));
  EXPECT_EQ(exit_code_of(denied), 126);
  EXPECT_EQ(exit_code_of(missing), 127);
  EXPECT_THAT(missing.text, HasSubstr("execve /no/such"));
}

TEST(Enter, BecomesRootInsideUnlessTold) {
  BEHAVIOUR("UN11");
  REQUIRES(userns);
  const UserScratch other;
  const auto pid = std::to_string(other.pid());

  EXPECT_EQ(enter({"--pid", pid, "--user", helper(), "ids"}).text, "0 0 0 0\n");
  EXPECT_EQ(enter({"--pid", pid, "--user", helper(), "netns"}).text, lines(other.id()));
  EXPECT_EQ(enter({"--pid", pid, "--plan", "sequential", helper(), "netns"}).text,
            lines(other.id()));
}

TEST(Enter, SaysWhichPlanItTookAndWhy) {
  BEHAVIOUR("UN19");
  REQUIRES(userns);
  const UserScratch other;
  const auto pid = std::to_string(other.pid());

  EXPECT_THAT(enter({"--pid", pid, "-U", "-v", helper(), "exit", "0"}).text,
              HasSubstr("plan one-shot: one setns joins both or neither"));
}

TEST(Enter, SaysWhichRightIsMissingAndWhatWouldWork) {
  BEHAVIOUR("UN01 CP01");
  REQUIRES(no_tsan);  // whose thread the program has too
  REQUIRES(rootless);
  const UserScratch own;

  const auto refused = enter({"--pid", std::to_string(own.pid()), helper(), "exit", "0"});

  EXPECT_EQ(exit_code_of(refused), 125);
  EXPECT_THAT(refused.text, AllOf(HasSubstr("EPERM"),
                                  HasSubstr("CAP_SYS_ADMIN is missing in your own user namespace"),
                                  HasSubstr("--user would work")));
  const auto ignore_children = [] { return ::signal(SIGCHLD, SIG_IGN) == SIG_ERR ? errno : 0; };
  EXPECT_EQ(
      enter({"--pid", std::to_string(own.pid()), helper(), "exit", "0"}, ignore_children).text,
      refused.text);
}

TEST(Enter, SaysWhichPlanWouldWorkWhereRootJoinedTheUsernsFirst) {
  BEHAVIOUR("UN03");
  REQUIRES(userns);
  REQUIRES(root);
  // A user namespace of uid 1000 with the network namespace of the initial one: only with the old
  // capabilities, or with both at once.
  const ParkedProcess other([] {
    const int error = become_user(1000);
    return error != 0 ? error : unshare_mapped(CLONE_NEWUSER);
  });
  const auto pid = std::to_string(other.pid());

  const auto refused = enter({"--pid", pid, "--plan", "sequential", helper(), "exit", "0"});

  EXPECT_EQ(exit_code_of(refused), 125);
  EXPECT_THAT(refused.text, AllOf(HasSubstr("setns(CLONE_NEWNET)"), HasSubstr("EPERM"),
                                  HasSubstr("it would work without --user")));
  EXPECT_EQ(exit_code_of(enter({"--pid", pid, "--user", helper(), "exit", "0"})), 0);
}

TEST(Enter, SaysWhoseUserNamespaceOwnsTheTarget) {
  BEHAVIOUR("UN01 CP01");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const auto lose_the_right = [] {
    return ::prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) == 0 ? 0 : errno;
  };

  const auto refused = enter(
      {"--pid", std::to_string(other.pid()), "--user", helper(), "exit", "0"}, lose_the_right);

  EXPECT_EQ(exit_code_of(refused), 125);
  EXPECT_THAT(refused.text,
              HasSubstr("CAP_SYS_ADMIN is missing in the user namespace that owns it, which is of "
                        "uid 1000; no plan would work"));
}

TEST(Enter, RefusesATargetThatIsNone) {
  BEHAVIOUR("TR07 TR23");
  const auto program = helper();

  EXPECT_THAT(enter({"--path", "/dev/null", program}).text,
              HasSubstr("/dev/null: EINVAL (Invalid "
                        "argument): not a namespace"));
  EXPECT_THAT(enter({"--name", "../x", program}).text, HasSubstr("not a name"));
  EXPECT_EQ(exit_code_of(enter({"--name", "no-such-name", program})), 125);
  EXPECT_EQ(exit_code_of(enter({program})), 125);
  EXPECT_EQ(exit_code_of(enter({"--pid", "1", "--name", "x", program})), 125);
  EXPECT_EQ(exit_code_of(enter({"--pid", "one", program})), 125);
}

TEST(Enter, LeavesTheProgramItsArgumentsAlsoThoseThatLookLikeOurs) {
  BEHAVIOUR("EX01");
  REQUIRES(own_netns);
  const OwnScratch other;
  const auto pid = std::to_string(other.pid());
  const auto arguments_of = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--pid", pid, "--user", helper(), "args"});
    return enter(words).text;
  };
  using namespace std::string_literals;

  EXPECT_EQ(arguments_of({"--version", "-v", "--pid", "1"}), "--version\0-v\0--pid\0001\0"s);
  EXPECT_EQ(arguments_of({"", "--", "--help"}), "\0--\0--help\0"s);
}

TEST(Enter, RefusesWhatIsNoOptionInsteadOfExecutingIt) {
  BEHAVIOUR("EX05");
  REQUIRES(userns);
  const OwnScratch other;
  const auto pid = std::to_string(other.pid());

  const auto misspelt = enter({"--pid", pid, "--usr", helper(), "exit", "0"});
  EXPECT_EQ(exit_code_of(misspelt), 125);
  EXPECT_THAT(misspelt.text, HasSubstr("--usr"));
  EXPECT_EQ(exit_code_of(enter({"--pid", pid, "--user", "--", "--usr/x"})), 127);
  EXPECT_EQ(exit_code_of(enter({"--pid", pid, "--plan", "7", helper(), "exit", "0"})), 125);
}

TEST(Enter, EmptyProgramIsNotFoundAndNotPassedOver) {
  BEHAVIOUR("EX05");
  REQUIRES(own_netns);
  const OwnScratch other;
  const auto pid = std::to_string(other.pid());

  EXPECT_EQ(exit_code_of(enter({"--pid", pid, "--user", "", helper(), "exit", "0"})), 127);
  EXPECT_EQ(exit_code_of(enter({"--pid", pid, "--user", "--", ""})), 127);
}

TEST(Enter, TellsItsVersionAndItsOptions) {
  BEHAVIOUR("EX05");
  EXPECT_EQ(exit_code_of(enter({"--version"})), 0);
  EXPECT_THAT(enter({"--help"}).text,
              AllOf(HasSubstr("--name"), HasSubstr("--plan"), HasSubstr("no\nother descriptor")));
}

}  // namespace
}  // namespace nsgate::test
