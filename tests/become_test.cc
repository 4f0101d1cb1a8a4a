// SPDX-License-Identifier: Apache-2.0
//
// The process that becomes the program itself.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_output.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

std::string line_of(const NamespaceId& id) { return ::testing::PrintToString(id) + '\n'; }

/// A child that becomes something, with its stdout; or says on it why not. Nothing else of it is
/// open then.
ChildOutput child_that(const std::function<Error()>& becomes) {
  return output_of_child([&] {
    const Error error = becomes();
    ::dprintf(STDOUT_FILENO, "%s %d", std::string(to_string(error.stage)).c_str(), error.code);
    return 99;
  });
}

int exit_code_of(const ChildOutput& child) {
  return WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
}

TEST(BecomeInUserNetns, ProgramIsTheProcessAndRunsInBothNamespaces) {
  BEHAVIOUR("UN01 UN11");
  REQUIRES(userns);
  const UserScratch own;
  const auto target = UserTarget::process(own.pid());
  const auto become = [&](std::vector<std::string> words) {
    words.insert(words.begin(), helper());
    return child_that([&] { return become_in_user_netns(target, {.argv = words}); });
  };

  EXPECT_EQ(become({"netns"}).out, line_of(own.id()));
  EXPECT_EQ(become({"userns"}).out, line_of(id_of(own.open("ns/user"))));
  EXPECT_EQ(become({"ids"}).out, "0 0 0 0\n");
  EXPECT_EQ(exit_code_of(become({"exit", "42"})), 42);
  const auto pid = become({"status", "Pid"});
  EXPECT_EQ(pid.out, std::to_string(pid.pid) + '\n');
}

TEST(BecomeInNetns, ProgramIsTheProcessAndRunsInTheTarget) {
  BEHAVIOUR("UN02");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const auto become = [&](std::vector<std::string> words) {
    words.insert(words.begin(), helper());
    return child_that([&] { return become_in_netns(target, {.argv = words}); });
  };

  EXPECT_EQ(become({"netns"}).out, line_of(other.id()));
  EXPECT_EQ(exit_code_of(become({"exit", "42"})), 42);
  const auto killed = become({"signal", "15"});
  EXPECT_TRUE(WIFSIGNALED(killed.status) && WTERMSIG(killed.status) == SIGTERM);
}

TEST(BecomeInUserNetns, ProgramHasTheStreamsOfTheProcessAndNoOtherDescriptor) {
  BEHAVIOUR("FD01");
  REQUIRES(userns);
  const UserScratch own;
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd inherited(::fcntl(null.get(), F_DUPFD, 60));
  const auto fds_with = [&](std::vector<Command::Passed> pass) {
    return child_that([&] {
             return become_in_user_netns(
                 UserTarget::process(own.pid()),
                 {.argv = {helper(), "fds"}, .stdin_fd = 1000, .stdin_bytes = "x", .pass = pass});
           })
        .out;
  };

  EXPECT_EQ(fds_with({}), "0\n1\n2\n");
  EXPECT_EQ(fds_with({{null.get(), 7}}), "0\n1\n2\n7\n");
}

TEST(BecomeInUserNetns, DescriptorThatIsClosedIsNotTakenForOneThatBecomingOpens) {
  BEHAVIOUR("FD08");
  REQUIRES(userns);
  const UserScratch own;

  const auto child = child_that([&] {
    const int closed = ::dup(STDOUT_FILENO);
    ::close(closed);
    return become_in_user_netns(UserTarget::process(own.pid()),
                                {.argv = {helper(), "fds"}, .pass = {{closed, 9}}});
  });

  EXPECT_EQ(child.out, "pipe " + std::to_string(EBADF));
}

TEST(BecomeInUserNetns, SignalsAreTheProgramsOwn) {
  BEHAVIOUR("SG01 SG02");
  REQUIRES(userns);
  const UserScratch own;

  const auto child = child_that([&] {
    ::signal(SIGUSR1, [](int) {});
    ::signal(SIGUSR2, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    return become_in_user_netns(UserTarget::process(own.pid()),
                                {.argv = {helper(), "status", "SigBlk", "SigIgn", "SigCgt"}});
  });

  // SIGUSR2 is 12.
  EXPECT_EQ(child.out, "0000000000000000\n0000000000000800\n0000000000000000\n");
}

TEST(BecomeInUserNetns, FailureReturnsWithItsStage) {
  BEHAVIOUR("EX03");
  REQUIRES(userns);
  const UserScratch own;
  const UserScratch unmapped(UserScratch::Map::none);
  const ParkedProcess nested(&net_owned_above_user);
  ParkedProcess gone([] { return 0; });
  const auto gone_target = UserTarget::process(gone.pid());
  gone.reap();
  const auto why = [](const UserTarget& target, const Command& command, Plan plan) {
    return child_that([&] { return become_in_user_netns(target, command, plan); }).out;
  };
  const auto why_in_own = [&](const Command& command) {
    return why(UserTarget::process(own.pid()), command, Plan::automatic);
  };
  const Command ids{.argv = {helper(), "ids"}};
  const auto text = [](const char* stage, int code) {
    return stage + (' ' + std::to_string(code));
  };

  EXPECT_EQ(why(gone_target, ids, Plan::automatic), text("open", ESRCH));
  EXPECT_EQ(why(UserTarget::process(nested.pid()), ids, Plan::sequential),
            text("setns_net", EPERM));
  EXPECT_EQ(why(UserTarget::process(unmapped.pid()), ids, Plan::automatic),
            text("credentials", EINVAL));
  EXPECT_EQ(why_in_own({.argv = {"/no/such/program"}}), text("exec", ENOENT));
  EXPECT_EQ(why_in_own({.argv = {}}), text("exec", EINVAL));
  EXPECT_EQ(why_in_own({.argv = {helper()}, .directory = "/no/such"}), text("directory", ENOENT));
  EXPECT_EQ(why_in_own({.argv = {helper()}, .pass = {{1000, 3}}}), text("pipe", EBADF));
}

TEST(BecomeInUserNetns, ProcessWithThreadsIsRefusedTheUserns) {
  BEHAVIOUR("UN20");
  REQUIRES(userns);
  const UserScratch own;
  const auto become_with_thread = [&](Plan plan) {
    return child_that([&] {
             // It lives until the process ends.
             std::thread([] { ::pause(); }).detach();
             return become_in_user_netns(UserTarget::process(own.pid()),
                                         {.argv = {helper(), "ids"}}, plan);
           })
        .out;
  };

  EXPECT_EQ(become_with_thread(Plan::sequential), "setns_user " + std::to_string(EINVAL));
  EXPECT_EQ(become_with_thread(Plan::one_shot), "setns_both " + std::to_string(EINVAL));
}

TEST(BecomeInNetns, ProcessWithThreadsMayBecomeAProgram) {
  BEHAVIOUR("UN20");
  REQUIRES(root);
  const ScratchNetns other;

  const auto child = child_that([&] {
    std::thread([] { ::pause(); }).detach();
    return become_in_netns(Target::process(other.pid()), {.argv = {helper(), "netns"}});
  });

  EXPECT_EQ(child.out, line_of(other.id()));
}

TEST(BecomeInNetns, RefusedNetnsIsToldByWhoStaysBehind) {
  BEHAVIOUR("CP01");
  REQUIRES(rootless);
  const UserScratch other;

  const auto child = child_that([&] {
    return become_in_netns(Target::process(other.pid()), {.argv = {helper(), "netns"}});
  });

  EXPECT_EQ(child.out, "setns_net " + std::to_string(EPERM));
  EXPECT_EQ(exit_code_of(child), 99);
}

}  // namespace
}  // namespace nsgate::test
