// SPDX-License-Identifier: Apache-2.0
//
// In which order a user namespace and a network namespace can be joined: what the kernel decides,
// and what core's plans make of it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/own_rights.h"
#include "support/process_state.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// As the helper prints it.
std::string line_of(const NamespaceId& id) { return ::testing::PrintToString(id) + '\n'; }

/// A user namespace of the caller's inside which nothing owns a network namespace: its process is
/// still in the caller's.
int only_unshare_user() { return unshare_mapped(CLONE_NEWUSER); }

/// As `bwrap --dev` and podman in a user namespace do: the process is one user namespace deeper
/// than the owner of its network namespace (util-linux#1592).
int unshare_nested_user() {
  if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) return error;
  return unshare_mapped(CLONE_NEWUSER);
}

/// A user namespace of uid 1000 whose network namespace root has made.
int unshare_user_below_a_net_of_root() {
  if (const int error = unshare_mapped(CLONE_NEWNET); error != 0) return error;
  if (const int error = become_user(1000); error != 0) return error;
  return unshare_mapped(CLONE_NEWUSER);
}

TEST(Setns, OwnerReachesItsNetnsOnlyThroughItsUserns) {
  BEHAVIOUR("UN01");
  REQUIRES(rootless);
  const UserScratch other;

  const Orders seen = try_orders(NamespaceFiles(other));

  EXPECT_EQ(seen, (Orders{.net = EPERM, .user_then_net = 0, .net_then_user = EPERM, .at_once = 0}));
}

TEST(ExecInUserNetns, OwnerReachesItsNetnsWhereTheNetOnlyPlanIsRefused) {
  BEHAVIOUR("UN01");
  REQUIRES(rootless);
  const UserScratch other;
  const auto target = Target::process(other.pid());
  const auto both = UserTarget::process(other.pid());
  const ProcessState before;

  EXPECT_THAT(exec_in_user_netns(both, {.argv = {helper(), "netns"}}), Prints(line_of(other.id())));
  EXPECT_THAT(exec_in_user_netns(both, {.argv = {helper(), "userns"}}),
              Prints(line_of(id_of(other.open("ns/user")))));
  EXPECT_THAT(in_netns(target, [] {}), FailsAt(Stage::setns_net, EPERM));
  EXPECT_THAT(exec_in_netns(target, {.argv = {helper(), "netns"}}),
              FailsAt(Stage::setns_net, EPERM));
  EXPECT_EQ(ProcessState(), before);
}

TEST(Setns, RootReachesTheNetnsOfADescendantUsernsInEveryOrder) {
  BEHAVIOUR("UN02");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch own;
  const UserScratch of_uid_1000(UserScratch::Map::owner_to_zero, 1000);
  const Orders all{.net = 0, .user_then_net = 0, .net_then_user = 0, .at_once = 0};

  EXPECT_EQ(try_orders(NamespaceFiles(own)), all);
  EXPECT_EQ(try_orders(NamespaceFiles(of_uid_1000)), all);
}

TEST(ExecInUserNetns, RootReachesTheNetnsOfAnotherUsersUsernsAsTheNetOnlyPlanDoes) {
  BEHAVIOUR("UN02");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const auto target = Target::process(other.pid());

  EXPECT_THAT(in_netns(target, current_netns), IsOkAndHolds(other.id()));
  EXPECT_THAT(exec_in_netns(target, {.argv = {helper(), "netns"}}), Prints(line_of(other.id())));
  EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "netns"}}),
              Prints(line_of(other.id())));
}

TEST(Setns, JoiningAnotherUsersUsernsFirstLosesANetnsOfRoot) {
  BEHAVIOUR("UN03");
  REQUIRES(userns);
  REQUIRES(root);
  const ParkedProcess other(&unshare_user_below_a_net_of_root);
  const NamespaceFiles files(other);

  EXPECT_EQ(try_orders(files),
            (Orders{.net = 0, .user_then_net = EPERM, .net_then_user = 0, .at_once = 0}));
  EXPECT_EQ(
      try_orders(files, [] { return become_user(1000); }),
      (Orders{.net = EPERM, .user_then_net = EPERM, .net_then_user = EPERM, .at_once = EPERM}));
}

TEST(ExecInUserNetns, ReachesANetnsThatRootOwnsBelowAnotherUsersUsernsUnlessInSequence) {
  BEHAVIOUR("UN03");
  REQUIRES(userns);
  REQUIRES(root);
  const ParkedProcess other(&unshare_user_below_a_net_of_root);
  const auto both = UserTarget::process(other.pid());
  const ProcessState before;

  EXPECT_THAT(exec_in_user_netns(both, no_program, Plan::sequential),
              FailsAt(Stage::setns_net, EPERM));
  for (const Plan plan : {Plan::automatic, Plan::one_shot, Plan::owner_aware}) {
    SCOPED_TRACE(to_string(plan));
    EXPECT_THAT(exec_in_user_netns(both, {.argv = {helper(), "netns"}}, plan),
                Prints(line_of(netns_of(other.pid()))));
  }
  EXPECT_THAT(exec_in_netns(Target::process(other.pid()), {.argv = {helper(), "netns"}}),
              Prints(line_of(netns_of(other.pid()))));
  EXPECT_THAT(in_netns(Target::process(other.pid()), current_netns),
              IsOkAndHolds(netns_of(other.pid())));
  EXPECT_EQ(ProcessState(), before);
}

TEST(Setns, OnlyOneCallReachesANetnsOwnedAboveTheTargetsUserns) {
  BEHAVIOUR("UN04");
  REQUIRES(userns);
  const ParkedProcess other(&unshare_nested_user);
  const NamespaceFiles files(other);

  // As the owner of both user namespaces, whatever else the caller may do.
  const Orders seen = try_orders(files, [] { return keep_capabilities(0); });

  EXPECT_EQ(seen,
            (Orders{.net = EPERM, .user_then_net = EPERM, .net_then_user = EPERM, .at_once = 0}));
}

TEST(ExecInUserNetns, NeedsTheOwnerOfTheNetnsOrOneCallWhenTheTargetIsNestedDeeper) {
  BEHAVIOUR("UN04");
  REQUIRES(userns);
  const ParkedProcess other(&unshare_nested_user);
  const NamespaceFiles files(other);
  const Fd owner(::ioctl(files.net.get(), NS_GET_USERNS));
  ASSERT_TRUE(owner);

  EXPECT_NE(id_of(owner), id_of(files.user));
  const auto both = UserTarget::process(other.pid());
  const auto netns = Prints(line_of(netns_of(other.pid())));
  EXPECT_THAT(exec_in_user_netns(both, no_program, Plan::sequential),
              FailsAt(Stage::setns_net, EPERM));
  EXPECT_THAT(
      exec_in_user_netns(UserTarget::descriptors({.user = owner.get(), .net = files.net.get()}),
                         {.argv = {helper(), "netns"}}, Plan::sequential),
      netns);
  for (const Plan plan : {Plan::automatic, Plan::one_shot, Plan::owner_aware}) {
    SCOPED_TRACE(to_string(plan));
    EXPECT_THAT(exec_in_user_netns(both, {.argv = {helper(), "netns"}}, plan), netns);
  }
}

TEST(Setns, OneCallReachesWhateverSomeOrderOfTwoReaches) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const UserScratch own;
  const ParkedProcess nested(&unshare_nested_user);
  const ParkedProcess user_only(&only_unshare_user);

  for (const ParkedProcess* target :
       {static_cast<const ParkedProcess*>(&own), &nested, &user_only}) {
    for (const bool unprivileged : {false, true}) {
      const Orders seen = try_orders(NamespaceFiles(*target),
                                     [&] { return unprivileged ? keep_capabilities(0) : 0; });
      const bool by_two = seen.user_then_net == 0 || seen.net_then_user == 0;
      EXPECT_TRUE(seen.at_once == 0 || !by_two) << seen;
    }
  }
}

TEST(Setns, OneRefusedCallChangesNothing) {
  BEHAVIOUR("UN06 CP12");
  REQUIRES(userns);
  const ParkedProcess other(&only_unshare_user);
  const NamespaceFiles files(other);
  struct Answer {
    int error;
    bool unchanged;
    int error_of_user_alone;
  };

  const auto answer = answer_of_child([&]() -> Answer {
    if (const int error = keep_capabilities(0); error != 0) return {error, false, error};
    const ProcessState before;
    const int refused = join_at_once(files);
    return {refused, ProcessState() == before, join_user(files)};
  });

  EXPECT_EQ(answer.error, EPERM);
  EXPECT_TRUE(answer.unchanged);
  EXPECT_EQ(answer.error_of_user_alone, 0);  // so that there was something to undo
}

TEST(Setns, RefusedNetnsLeavesTheProcessInTheUsernsForGood) {
  BEHAVIOUR("UN07");
  REQUIRES(userns);
  const ParkedProcess other(&only_unshare_user);
  const NamespaceFiles files(other);
  const Fd home(::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  struct Answer {
    std::array<int, 3> errors;
    NamespaceId userns;
  };

  const auto answer = answer_of_child([&]() -> Answer {
    const int user = join_user(files);
    const int net = join_net(files);
    const int back = ::setns(home.get(), CLONE_NEWUSER) == 0 ? 0 : errno;
    return {{user, net, back}, current_userns()};
  });

  EXPECT_EQ(answer.errors, (std::array{0, EPERM, EPERM}));
  EXPECT_EQ(answer.userns, id_of(files.user));
}

TEST(ExecInUserNetns, RefusedNetnsLeavesTheCallerWhereItWas) {
  BEHAVIOUR("UN07 CP12");
  REQUIRES(userns);
  const ParkedProcess other(&only_unshare_user);
  const auto both = UserTarget::process(other.pid());
  const ProcessState before;

  EXPECT_THAT(exec_in_user_netns(both, no_program, Plan::sequential),
              FailsAt(Stage::setns_net, EPERM));
  // Root has the right to that network namespace, which the other order has given away.
  EXPECT_EQ(how_it_ended(exec_in_user_netns(both, no_program)),
            may_reenter_own_netns() ? entered : refused(Stage::setns_both, EPERM));

  EXPECT_EQ(ProcessState(), before);
}

}  // namespace
}  // namespace nsgate::test
