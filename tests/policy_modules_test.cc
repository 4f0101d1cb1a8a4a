// SPDX-License-Identifier: Apache-2.0
//
// Entering under the kernel's security modules: what each forbids, by stage and errno, and that
// what it does not forbid goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/policies.h"
#include "support/security_label.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

using AllWays = std::array<Ended, 3>;

AllWays enter_all(pid_t pid) {
  const Command command{.argv = {helper(), "exit", "0"}};
  return {how_it_ended(in_netns(Target::process(pid), [] {})),
          how_it_ended(exec_in_netns(Target::process(pid), command)),
          how_it_ended(exec_in_user_netns(UserTarget::process(pid), command))};
}

/// By in_netns, exec_in_netns and exec_in_user_netns, into a process like the test's own.
AllWays enter_own() {
  return answer_of_owner([] {
    const UserScratch other;
    return enter_all(other.pid());
  });
}

// ---- AppArmor ----

TEST(Policy, AppArmorRefusesToMakeAUserNamespaceWithEaccesToRootToo) {
  BEHAVIOUR("PP04 AP13");
  REQUIRES(apparmor_userns);
  EXPECT_EQ(answer_of_child([] { return error_of(::unshare(CLONE_NEWUSER)); }), EACCES);
}

TEST(Policy, AppArmorThatRefusesUserNamespacesLeavesThemToBeEntered) {
  BEHAVIOUR("PP04");
  REQUIRES(apparmor_userns);
  // The profile lets its processes leave it.
  const ParkedProcess unconfined([] {
    if (const int error = change_apparmor_profile("unconfined"); error != 0) return error;
    return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
  });
  const auto entered =
      exec_in_user_netns(UserTarget::process(unconfined.pid()), {.argv = {helper(), "exit", "0"}});
  EXPECT_EQ(how_it_ended(entered), exited(0));
}

TEST(Policy, AppArmorThatRefusesToReadAProcessIsEaccesAtOpenToRootToo) {
  BEHAVIOUR("PP05");
  REQUIRES(apparmor_userns);
  const ParkedProcess closed([] { return change_apparmor_profile("nsgate-closed"); });
  EXPECT_THAT(enter_all(closed.pid()), Each(refused(Stage::open, EACCES)));
  EXPECT_EQ(
      answer_of_child([&] { return setns_error(pidfd_open(closed.pid()).get(), CLONE_NEWNET); }),
      EPERM);
}

// ---- SELinux ----

TEST(Policy, SelinuxRefusesAProcessOfAnotherDomainWithEaccesAtOpen) {
  BEHAVIOUR("PP13");
  REQUIRES(selinux);
  const ParkedProcess other(
      [] { return write_label("/proc/self/attr/current", "system_u:system_r:other_t"); });
  // 5.10.262 forgets the refusal and leads to the directory of the process (ptrace_access_test.cc).
  const int error = on_this_kernel<int>({{{0, 0}, EACCES}, {{5, 10}, EINVAL}, {{5, 11}, EACCES}});
  EXPECT_THAT(enter_all(other.pid()), Each(refused(Stage::open, error)));
  EXPECT_EQ(
      answer_of_child([&] { return setns_error(pidfd_open(other.pid()).get(), CLONE_NEWNET); }),
      EPERM);
}

TEST(Policy, SelinuxLeavesTheProcessesOfTheOwnDomainToBeEntered) {
  BEHAVIOUR("PP13");
  REQUIRES(selinux);
  EXPECT_THAT(enter_own(), Each(exited(0)));
}

TEST(Policy, SelinuxRefusesADomainToMakeAUserNamespaceSinceLinux61) {
  BEHAVIOUR("AP13");
  REQUIRES(selinux);
  const auto errors = answer_of_child([] {
    const auto make = [] { return error_of(::unshare(CLONE_NEWUSER)); };
    const int in_own_domain = answer_of_child(make);
    const int left = write_label("/proc/self/attr/current", "system_u:system_r:other_t");
    return std::array{in_own_domain, left, make()};
  });
  // ed5d44d42c95 "selinux: Implement userns_create hook", Linux 6.1.
  EXPECT_THAT(errors, ElementsAre(0, 0, on_this_kernel<int>({{{0, 0}, 0}, {{6, 1}, EACCES}})));
}

// ---- Landlock ----

TEST(Policy, LandlockRefusesAProcessOutsideOfTheDomainToRootToo) {
  BEHAVIOUR("PP19");
  REQUIRES(landlock);
  EXPECT_THAT(enter_all(1), Each(refused(Stage::open, EACCES)));
  EXPECT_EQ(answer_of_child([] { return setns_error(pidfd_open(1).get(), CLONE_NEWNET); }), EPERM);
}

TEST(Policy, LandlockLeavesTheProcessesOfTheDomainToBeEntered) {
  BEHAVIOUR("PP19");
  REQUIRES(landlock);
  EXPECT_THAT(enter_own(), Each(exited(0)));
}

// ---- Lockdown ----

TEST(Policy, LockdownKeepsNobodyFromEntering) {
  BEHAVIOUR("PP15");
  REQUIRES(lockdown);
  EXPECT_THAT(enter_own(), Each(exited(0)));
}

// ---- Yama ----

struct Taken {
  int by_parent;  // pidfd_getfd(2), by the parent of the process
  AllWays entered;
  int pidfd;  // setns of the pidfd
};

Taken take_and_enter() {
  return answer_of_owner([]() -> Taken {
    const UserScratch other;
    const Fd pidfd = pidfd_open(other.pid());
    const auto take = [&] {
      return error_of(Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), 0, 0))));
    };
    const int by_parent = take();
    const int entered = answer_of_child([&] { return setns_error(pidfd.get(), CLONE_NEWNET); });
    return {by_parent, enter_all(other.pid()), entered};
  });
}

/// Documentation/admin-guide/LSM/Yama.rst. Scope 1 spares ancestors, and scopes 1 and 2 those with
/// CAP_SYS_PTRACE over the user namespace of the process, as its maker has it.
void expect_taken(const Taken& taken, int by_parent) {
  EXPECT_EQ(taken.by_parent, by_parent);
  EXPECT_THAT(taken.entered, Each(exited(0)));
  EXPECT_EQ(taken.pidfd, 0);
}

TEST(Policy, YamaOfZeroRestrictsNothing) {
  BEHAVIOUR("PP07");
  REQUIRES(yama_0);
  REQUIRES(userns);
  expect_taken(take_and_enter(), 0);
}

TEST(Policy, YamaOfOneDoesNotTouchEntering) {
  BEHAVIOUR("PP07");
  REQUIRES(yama_1);
  expect_taken(take_and_enter(), 0);
}

TEST(Policy, YamaOfTwoDoesNotTouchEntering) {
  BEHAVIOUR("PP07");
  REQUIRES(yama_2);
  expect_taken(take_and_enter(), 0);
}

TEST(Policy, YamaOfThreeRefusesDescriptorsAndDoesNotTouchEntering) {
  BEHAVIOUR("PP07");
  REQUIRES(yama_3);
  expect_taken(take_and_enter(), EPERM);
}

}  // namespace
}  // namespace nsgate::test
