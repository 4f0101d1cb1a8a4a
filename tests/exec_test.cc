// SPDX-License-Identifier: Apache-2.0
//
// Where a program runs, and that its caller stays where and what it was.
#include "nsgate/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <latch>
#include <sstream>
#include <thread>

#include "helper/helper.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

std::string line(const NamespaceId& id) {
  std::ostringstream text;
  text << id << '\n';
  return text.str();
}

TEST(ExecInNetns, ProgramRunsInTheTarget) {
  BEHAVIOUR("EX07 EX17");
  REQUIRES(root);
  const ScratchNetns other;

  const auto netns = exec_in_netns(Target::process(other.pid()), {.argv = {helper(), "netns"}});
  const auto userns = exec_in_netns(Target::process(other.pid()), {.argv = {helper(), "userns"}});

  ASSERT_THAT(netns, ExitsWith(0));
  EXPECT_EQ(netns->out, line(other.id()));
  ASSERT_THAT(userns, ExitsWith(0));
  EXPECT_EQ(userns->out, line(current_userns()));
}

TEST(ExecInUserNetns, ProgramRunsInBothNamespacesOfTheTarget) {
  BEHAVIOUR("EX07 EX17");
  REQUIRES(userns);
  const UserScratch other;
  const auto target = UserTarget::process(other.pid());

  const auto netns = exec_in_user_netns(target, {.argv = {helper(), "netns"}});
  const auto userns = exec_in_user_netns(target, {.argv = {helper(), "userns"}});

  ASSERT_THAT(netns, ExitsWith(0));
  EXPECT_EQ(netns->out, line(other.id()));
  ASSERT_THAT(userns, ExitsWith(0));
  EXPECT_EQ(userns->out, line(id_of(other.open("ns/user"))));
}

TEST(Exec, CallerStaysWhereItWas) {
  BEHAVIOUR("EX12");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto netns = current_netns();
    const auto userns = current_userns();

    ASSERT_THAT(execute({.argv = {helper(), "exit", "0"}}), ExitsWith(0));
    ASSERT_THAT(execute({.argv = {"/no/such/program"}}), FailsAt(Stage::exec, ENOENT));

    EXPECT_EQ(current_netns(), netns);
    EXPECT_EQ(current_userns(), userns);
  }
}

TEST(Exec, CallerStaysDumpable) {
  BEHAVIOUR("EX11 EX12 UN09");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    ASSERT_EQ(::prctl(PR_GET_DUMPABLE), 1);

    ASSERT_THAT(execute({.argv = {helper(), "exit", "0"}}), ExitsWith(0));

    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  }
}

// Root in a namespace of somebody else is the case in which the kernel clears the attribute.
TEST(ExecInUserNetns, CallerStaysDumpableWhenTheTargetIsAnotherUsers) {
  BEHAVIOUR("EX11 UN09");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 65534);
  ASSERT_EQ(::prctl(PR_GET_DUMPABLE), 1);

  const auto ended =
      exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "exit", "3"}});

  EXPECT_THAT(ended, ExitsWith(3));
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
}

struct SharedMemoryChild {
  int unshared = -1;
  int socket = -1;
};

TEST(Setns, AChildThatSharesMemoryDoesNotMoveItsParent) {
  BEHAVIOUR("EX12");
  REQUIRES(root);
  const auto before = current_netns();
  SharedMemoryChild shared;
  alignas(16) std::array<char, 16384> stack;

  const pid_t pid = ::clone(
      [](void* argument) {
        auto& child = *static_cast<SharedMemoryChild*>(argument);
        child.unshared = ::unshare(CLONE_NEWNET);
        child.socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return 0;
      },
      stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &shared);
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);

  ASSERT_EQ(shared.unshared, 0);
  EXPECT_EQ(current_netns(), before);
  // The child's socket is the parent's too, and stays in the child's namespace.
  const Fd socket(shared.socket);
  const Fd of_socket(::ioctl(socket.get(), SIOCGSKNS));
  ASSERT_TRUE(of_socket);
  EXPECT_NE(id_of(of_socket), before);
}

TEST(ExecInUserNetns, IsOpenToACallerWithThreads) {
  BEHAVIOUR("EX01");
  REQUIRES(userns);
  const UserScratch other;
  std::latch end(1);
  const std::jthread thread([&end] { end.wait(); });

  const auto ended =
      exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "exit", "3"}});
  const int joined_in_place = ::setns(other.open("ns/user").get(), CLONE_NEWUSER);
  const int in_place_error = errno;
  end.count_down();

  EXPECT_THAT(ended, ExitsWith(3));
  EXPECT_EQ(joined_in_place, -1);
  EXPECT_EQ(in_place_error, EINVAL);
}

TEST(ExecInUserNetns, DescriptorsOutliveTheProcessTheyWereOpenedOf) {
  BEHAVIOUR("EX07 EX08");
  REQUIRES(userns);
  UserScratch other;
  const Fd user = other.open("ns/user");
  const Fd net = other.open("ns/net");
  const auto id = other.id();
  other.reap();

  const auto ended =
      exec_in_user_netns(UserTarget::descriptors({.user = user.get(), .net = net.get()}),
                         {.argv = {helper(), "netns"}});

  ASSERT_THAT(ended, ExitsWith(0));
  EXPECT_EQ(ended->out, line(id));
}

TEST(ExecInNetns, NeedsNoProcForADescriptor) {
  BEHAVIOUR("EX07 TR30");
  REQUIRES(root);
  REQUIRES(mounts);
  const ScratchNetns other;
  const Fd netns = other.open("ns/net");
  const std::string program = helper();

  const auto ended = answer_of_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, "") != 0 ||
        ::umount2("/proc", MNT_DETACH) != 0) {
      return refused(Stage::wait, errno);
    }
    return how_it_ended(
        exec_in_netns(Target::descriptor(netns.get()), {.argv = {program, "exit", "3"}}));
  });

  EXPECT_EQ(ended, exited(3));
}

// An empty descriptor must not mean "stay in the caller's user namespace".
TEST(ExecInUserNetns, RefusesAnEmptyUserDescriptor) {
  BEHAVIOUR("EX03 TR01");
  REQUIRES(userns);
  const UserScratch other;
  const Fd net = other.open("ns/net");
  const OpenFds before;

  EXPECT_THAT(exec_in_user_netns(UserTarget::descriptors({.user = -1, .net = net.get()}),
                                 {.argv = {helper(), "exit", "0"}}),
              FailsAt(Stage::open, EBADF));
  EXPECT_EQ(OpenFds(), before);
}

}  // namespace
}  // namespace nsgate::test
