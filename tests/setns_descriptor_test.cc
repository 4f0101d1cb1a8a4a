// SPDX-License-Identifier: Apache-2.0
//
// What setns(2) accepts as a descriptor and as a type, and what both strategies make of it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <string>

#include "nsgate/exec.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// "Any", the right one, a wrong one, two, all.
constexpr std::array types{0, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWNET | CLONE_NEWUTS, -1};

std::array<int, types.size()> setns_errors(int fd) {
  std::array<int, types.size()> errors{};
  for (std::size_t i = 0; i < types.size(); ++i) errors[i] = setns_error(fd, types[i]);
  return errors;
}

Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }

/// A low number would be that of the next descriptor that core opens itself.
int closed_descriptor(int at_least) {
  const Fd fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, at_least));
  return fd.get();
}

std::map<std::string, Fd> files_that_are_no_namespace() {
  std::map<std::string, Fd> files;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
    files["read end of a pipe"] = Fd(ends[0]);
    files["write end of a pipe"] = Fd(ends[1]);
  }
  files["regular file"] = Fd(::open("regular", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  files["memfd"] = Fd(::memfd_create("memfd", MFD_CLOEXEC));
  files["socket"] = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  files["device"] = open_own("/dev/null");
  files["directory"] = open_own(".");
  files["/proc/PID"] = open_own("/proc/self");
  files["/proc/PID/ns"] = open_own("/proc/self/ns");
  return files;
}

TEST(Setns, NoOpenDescriptorIsEbadfWhateverTheType) {
  BEHAVIOUR("TR01");
  for (const int closed : {-1, closed_descriptor(0), closed_descriptor(200)}) {
    SCOPED_TRACE(closed);
    EXPECT_THAT(setns_errors(closed), Each(EBADF));
    EXPECT_THAT(enter_both_ways(Target::descriptor(closed)), Each(refused(Stage::open, EBADF)));
  }
}

constexpr std::array plans_for_descriptors{Plan::automatic, Plan::sequential, Plan::owner_aware};

TEST(ExecInUserNetns, NoOpenDescriptorIsEbadfAtOpenAndNamed) {
  BEHAVIOUR("TR01");
  REQUIRES(userns);
  const UserScratch other;
  const Fd user = other.open("ns/user");
  const Fd net = other.open("ns/net");
  const Command command{.argv = {helper(), "exit", "0"}};

  for (const int closed : {-1, closed_descriptor(0), closed_descriptor(200)}) {
    SCOPED_TRACE(closed);
    for (const Plan plan : plans_for_descriptors) {
      SCOPED_TRACE(to_string(plan));
      for (const auto& target : {UserTarget::descriptors({.user = closed, .net = net.get()}),
                                 UserTarget::descriptors({.user = user.get(), .net = closed})}) {
        const auto ended = exec_in_user_netns(target, command, plan);
        ASSERT_THAT(ended, FailsAt(Stage::open, EBADF));
        EXPECT_EQ(ended.error().operands, "descriptor " + std::to_string(closed));
      }
    }
  }
}

TEST(Setns, FileThatIsNoNamespaceIsEinvalWhateverTheType) {
  BEHAVIOUR("TR02");
  const auto files = files_that_are_no_namespace();
  ASSERT_EQ(files.size(), 9u);
  const OpenFds before;

  for (const auto& [kind, file] : files) {
    SCOPED_TRACE(kind);
    ASSERT_TRUE(file);
    EXPECT_THAT(setns_errors(file.get()), Each(EINVAL));
    EXPECT_THAT(enter_both_ways(Target::descriptor(file.get())),
                Each(refused(Stage::open, EINVAL)));
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Setns, NamespaceOpenedByPathOnlyIsEbadf) {
  BEHAVIOUR("TR03");
  const Fd by_path(::open("/proc/self/ns/net", O_PATH | O_CLOEXEC));
  ASSERT_TRUE(by_path);
  ASSERT_EQ(id_of(by_path), current_netns());

  EXPECT_THAT(setns_errors(by_path.get()), Each(EBADF));
  EXPECT_THAT(enter_both_ways(Target::descriptor(by_path.get())),
              Each(refused(Stage::open, EBADF)));
}

TEST(Setns, TypeMustBeThatOfTheNamespaceOrZero) {
  BEHAVIOUR("TR04");
  REQUIRES(own_netns);

  const auto errors = answer_of_owner([] {
    const ScratchNetns other;
    const Fd net = other.open("ns/net");
    // Joining is last for the next type to be refused for the type alone.
    return std::array{setns_error(net.get(), CLONE_NEWUTS),
                      setns_error(net.get(), CLONE_NEWNET | CLONE_NEWUTS),
                      setns_error(net.get(), -1), setns_error(net.get(), CLONE_NEWNET),
                      setns_error(net.get(), 0)};
  });

  EXPECT_THAT(errors, ElementsAre(EINVAL, EINVAL, EINVAL, 0, 0));
}

TEST(Netns, NamespaceOfAnotherTypeIsRefusedAtOpen) {
  BEHAVIOUR("TR04");
  for (const char* file : {"/proc/self/ns/uts", "/proc/self/ns/user", "/proc/self/ns/mnt"}) {
    SCOPED_TRACE(file);
    const Fd other_type = open_own(file);
    ASSERT_TRUE(other_type);

    EXPECT_THAT(enter_both_ways(Target::path(file)), Each(refused(Stage::open, EINVAL)));
    EXPECT_THAT(enter_both_ways(Target::descriptor(other_type.get())),
                Each(refused(Stage::open, EINVAL)));
    EXPECT_EQ(setns_error(other_type.get(), CLONE_NEWNET), EINVAL);
  }
}

TEST(ExecInUserNetns, NamespaceOfAnotherTypeIsRefusedAtOpenWithWhatItIsNot) {
  BEHAVIOUR("TR04");
  REQUIRES(userns);
  const OwnScratch scratch;
  const Fd user = scratch.open("ns/user");
  const Fd net = scratch.open("ns/net");
  const UserScratch other;
  const Fd other_user = other.open("ns/user");
  const OpenFds before;
  const Command command{.argv = {helper(), "exit", "0"}};

  for (const Plan plan : plans_for_descriptors) {
    SCOPED_TRACE(to_string(plan));
    const auto no_user = exec_in_user_netns(
        UserTarget::descriptors({.user = net.get(), .net = net.get()}), command, plan);
    const auto no_net = exec_in_user_netns(
        UserTarget::descriptors({.user = other_user.get(), .net = user.get()}), command, plan);

    ASSERT_THAT(no_user, FailsAt(Stage::open, EINVAL));
    EXPECT_EQ(no_user.error().note, "not a user namespace, but one of another kind");
    ASSERT_THAT(no_net, FailsAt(Stage::open, EINVAL));
    EXPECT_EQ(no_net.error().note, "not a network namespace, but one of another kind");
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Netns, RootEntersTheNamespaceItIsIn) {
  BEHAVIOUR("TR05");
  REQUIRES(root);
  const Fd own = open_own("/proc/self/ns/net");

  EXPECT_EQ(setns_error(own.get(), CLONE_NEWNET), 0);
  EXPECT_THAT(enter_both_ways(Target::process(::getpid())), Each(exited(0)));
}

TEST(Netns, NobodyWithoutPrivilegeEntersEvenTheNamespaceItIsIn) {
  BEHAVIOUR("TR05");

  const auto errors = answer_of_child([] {
    const int dropped = become_unprivileged();
    const Fd own = open_own("/proc/self/ns/net");
    return std::array{dropped, setns_error(own.get(), CLONE_NEWNET)};
  });
  const auto ended = answer_of_child([] {
    become_unprivileged();
    return enter_both_ways(Target::process(::getpid()));
  });

  EXPECT_THAT(errors, ElementsAre(0, EPERM));
  EXPECT_THAT(ended, Each(refused(Stage::setns_net, EPERM)));
}

TEST(ExecInUserNetns, OwnUserNamespaceIsEinvalToJoinAndLeftOutByAutomatic) {
  BEHAVIOUR("TR05");
  REQUIRES(own_netns);
  const Fd own = open_own("/proc/self/ns/user");
  EXPECT_EQ(setns_error(own.get(), CLONE_NEWUSER), EINVAL);

  const auto [sequential, one_shot, owner_aware, automatic] = answer_of_owner([] {
    const auto enter = [](Plan plan) {
      return how_it_ended(exec_in_user_netns(UserTarget::process(::getpid()),
                                             {.argv = {helper(), "exit", "0"}}, plan));
    };
    return std::array{enter(Plan::sequential), enter(Plan::one_shot), enter(Plan::owner_aware),
                      enter(Plan::automatic)};
  });

  EXPECT_EQ(sequential, refused(Stage::setns_user, EINVAL));
  EXPECT_EQ(one_shot, refused(Stage::setns_both, EINVAL));
  EXPECT_EQ(owner_aware, exited(0));
  EXPECT_EQ(automatic, exited(0));
}

TEST(Setns, PermissionIsCheckedAfterDescriptorAndType) {
  BEHAVIOUR("TR06 TR01");

  const auto errors = answer_of_child([] {
    const int dropped = become_unprivileged();
    const Fd net = open_own("/proc/self/ns/net");
    const Fd file = open_own("/dev/null");
    return std::array{dropped, setns_error(-1, CLONE_NEWNET), setns_error(file.get(), CLONE_NEWNET),
                      setns_error(net.get(), CLONE_NEWUTS), setns_error(net.get(), CLONE_NEWNET)};
  });

  EXPECT_THAT(errors, ElementsAre(0, EBADF, EINVAL, EINVAL, EPERM));
}

TEST(Setns, PidfdTakesAMaskOfNamespacesAndNothingElse) {
  BEHAVIOUR("TR18");
  REQUIRES(own_netns);

  const auto errors = answer_of_owner([] {
    const ScratchNetns other;
    const Fd process = pidfd_open(other.pid());
    return std::array{setns_error(process.get(), 0), setns_error(process.get(), -1),
                      setns_error(process.get(), CLONE_VM),
                      setns_error(process.get(), CLONE_NEWNET | CLONE_VM),
                      setns_error(process.get(), CLONE_NEWNET)};
  });

  EXPECT_THAT(errors, ElementsAre(EINVAL, EINVAL, EINVAL, EINVAL, 0));
}

TEST(Setns, PidfdSelfIsEbadf) {
  BEHAVIOUR("TR19");
  // PIDFD_SELF_THREAD and PIDFD_SELF_THREAD_GROUP of linux/pidfd.h, since Linux 6.14.
  for (const int self : {-10000, -10001}) {
    EXPECT_THAT(setns_errors(self), Each(EBADF));
    EXPECT_THAT(enter_both_ways(Target::descriptor(self)), Each(refused(Stage::open, EBADF)));
  }
}

}  // namespace
}  // namespace nsgate::test
