// SPDX-License-Identifier: Apache-2.0
//
// Which plan enters which target, and where the others are refused: tables that hold on every
// kernel. What the kernel itself says of each order is in join_order_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <map>
#include <string>

#include "nsgate/exec.h"
#include "support/capabilities.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/plans.h"
#include "support/process_state.h"
#include "support/requirements.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

const Ended no_pidfd = refused(Stage::open, EOPNOTSUPP);

/// What process, pidfd and thread have in common: a pidfd.
std::map<std::string, Plans> by_process(const ParkedProcess& target,
                                        const std::function<int()>& become) {
  const NamespaceFiles files(target);
  return {{"process", try_plans(UserTarget::process(target.pid()), become)},
          {"pidfd", try_plans(UserTarget::pidfd(files.process.get()), become)},
          {"thread", try_plans(UserTarget::thread(target.pid(), target.pid()), become)}};
}

void expect_plans(
    const ParkedProcess& target, const Plans& expected,
    const std::function<int()>& become = [] { return 0; }) {
  for (const auto& [kind, plans] : by_process(target, become)) {
    SCOPED_TRACE(kind);
    EXPECT_EQ(plans, expected);
  }
  // Of descriptors there is no one shot, and the best of the rest is the owner's.
  EXPECT_EQ(try_plans(descriptors_of(NamespaceFiles(target)), become),
            (Plans{.automatic = expected.owner_aware,
                   .sequential = expected.sequential,
                   .one_shot = no_pidfd,
                   .owner_aware = expected.owner_aware}));
}

int without_capabilities() { return keep_capabilities(0); }

TEST(Plan, EachEntersTheUsernsThatOwnsItsNetns) {
  BEHAVIOUR("UN01 UN02");
  REQUIRES(userns);
  const UserScratch own;

  expect_plans(own, all_enter);
  expect_plans(own, all_enter, &without_capabilities);
}

TEST(Plan, EachEntersTheUsernsThatAnotherUserMadeWithItsNetns) {
  BEHAVIOUR("UN02");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);

  expect_plans(other, all_enter);
}

TEST(Plan, OnlySequentialLosesANetnsOfTheCallersOwnUserns) {
  BEHAVIOUR("UN03");
  REQUIRES(userns);
  REQUIRES(root);
  const ParkedProcess of_root(&net_owned_by_the_callers_own);
  const ParkedProcess of_uid_1000([] {
    const int error = become_user(1000);
    return error != 0 ? error : net_owned_by_the_callers_own();
  });
  const Plans all_but_sequential{.automatic = entered,
                                 .sequential = refused(Stage::setns_net, EPERM),
                                 .one_shot = entered,
                                 .owner_aware = entered};

  expect_plans(of_root, all_but_sequential);
  expect_plans(of_uid_1000, all_but_sequential);
}

TEST(Plan, NoneEntersANetnsOfAUsernsWhereTheCallerHasNoPrivilege) {
  BEHAVIOUR("UN03 UN05");
  REQUIRES(userns);
  const ParkedProcess target(&net_owned_by_the_callers_own);

  // Each at its own stage: sequential has joined the user namespace by then.
  expect_plans(target,
               {.automatic = refused(Stage::setns_both, EPERM),
                .sequential = refused(Stage::setns_net, EPERM),
                .one_shot = refused(Stage::setns_both, EPERM),
                .owner_aware = refused(Stage::setns_net, EPERM)},
               &without_capabilities);
}

TEST(Plan, OnlySequentialLosesANetnsOwnedAboveTheUserns) {
  BEHAVIOUR("UN04");
  REQUIRES(userns);
  const ParkedProcess nested(&net_owned_above_user);
  const Plans all_but_sequential{.automatic = entered,
                                 .sequential = refused(Stage::setns_net, EPERM),
                                 .one_shot = entered,
                                 .owner_aware = entered};

  expect_plans(nested, all_but_sequential);
  expect_plans(nested, all_but_sequential, &without_capabilities);
}

TEST(Plan, EachEntersANetnsOwnedBelowTheUserns) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const ParkedProcess target(&net_owned_below_user);

  expect_plans(target, all_enter);
  expect_plans(target, all_enter, &without_capabilities);
}

TEST(Plan, OnlySequentialLosesANetnsOwnedBesideTheUserns) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const ParkedProcess target(&net_owned_beside_user);
  const Plans all_but_sequential{.automatic = entered,
                                 .sequential = refused(Stage::setns_net, EPERM),
                                 .one_shot = entered,
                                 .owner_aware = entered};

  expect_plans(target, all_but_sequential);
  expect_plans(target, all_but_sequential, &without_capabilities);
}

TEST(Plan, OneShotAloneNeedsNoPrivilegeWhereTwoUsernsOfTheCallerStandSideBySide) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  REQUIRES(root);
  const ParkedProcess target(&net_owned_beside_user_at_the_top);

  expect_plans(target, {.automatic = entered,
                        .sequential = refused(Stage::setns_net, EPERM),
                        .one_shot = entered,
                        .owner_aware = entered});
  // The owner of both has a right to each, and the old credentials still count in one call.
  expect_plans(target,
               {.automatic = entered,
                .sequential = refused(Stage::setns_net, EPERM),
                .one_shot = entered,
                .owner_aware = refused(Stage::setns_net, EPERM)},
               &without_capabilities);
}

TEST(Plan, NetnsIsEnteredWithItsOwnerWhereverTheTargetsProcessIs) {
  BEHAVIOUR("UN01 UN04");
  REQUIRES(userns);
  for (const auto setup : {&net_owned_by_user, &net_owned_above_user, &net_owned_below_user}) {
    const ParkedProcess target(setup);
    const auto net = target.open("ns/net");

    for (const auto& named : {Target::process(target.pid()), Target::descriptor(net.get())}) {
      EXPECT_EQ(try_plans(UserTarget::owned(named), &without_capabilities),
                (Plans{entered, entered, no_pidfd, entered}));
    }
  }
}

TEST(Plan, CallersOwnUsernsIsLeftOutOrInvalid) {
  BEHAVIOUR("UN14");
  REQUIRES(userns);
  const UserScratch own;
  const NamespaceFiles files(own);

  EXPECT_EQ(try_plans(UserTarget::process(own.pid()), [&] { return join_at_once(files); }),
            (Plans{.automatic = entered,
                   .sequential = refused(Stage::setns_user, EINVAL),
                   .one_shot = refused(Stage::setns_both, EINVAL),
                   .owner_aware = entered}));
  EXPECT_EQ(try_plans(descriptors_of(files),
                      [&] {
                        const int error = join_at_once(files);
                        return error != 0 ? error : without_capabilities();
                      }),
            (Plans{.automatic = refused(Stage::setns_net, EPERM),
                   .sequential = refused(Stage::setns_user, EINVAL),
                   .one_shot = no_pidfd,
                   .owner_aware = refused(Stage::setns_net, EPERM)}));
}

TEST(Plan, NoneEntersAParentOrASiblingOfTheCallersUserns) {
  BEHAVIOUR("UN14");
  REQUIRES(userns);
  const UserScratch inside;
  const UserScratch sibling;
  const NamespaceFiles files_inside(inside);
  const NamespaceFiles files_of_sibling(sibling);
  const NamespaceFiles files_of_parent(ParkedProcess([] { return 0; }));
  const auto enter = [&] { return join_at_once(files_inside); };
  const Plans refused_each{.automatic = refused(Stage::setns_user, EPERM),
                           .sequential = refused(Stage::setns_user, EPERM),
                           .one_shot = no_pidfd,
                           .owner_aware = refused(Stage::setns_user, EPERM)};

  EXPECT_EQ(try_plans(descriptors_of(files_of_sibling), enter), refused_each);
  EXPECT_EQ(try_plans(descriptors_of(files_of_parent), enter), refused_each);
}

TEST(Plan, NoneEntersTheUsernsOfAnotherUser) {
  BEHAVIOUR("UN18");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);
  const auto as_uid_1001 = [] { return become_user(1001); };
  const Ended at_open = refused(Stage::open, EACCES);

  EXPECT_EQ(try_plans(UserTarget::process(other.pid()), as_uid_1001),
            (Plans{at_open, at_open, at_open, at_open}));
  EXPECT_EQ(try_plans(descriptors_of(files), as_uid_1001),
            (Plans{.automatic = refused(Stage::setns_user, EPERM),
                   .sequential = refused(Stage::setns_user, EPERM),
                   .one_shot = no_pidfd,
                   .owner_aware = refused(Stage::setns_user, EPERM)}));
}

TEST(Plan, RefusedAtAnyStageLeavesTheCallerAsItWas) {
  BEHAVIOUR("UN06 UN07");
  REQUIRES(userns);
  const ParkedProcess nested(&net_owned_above_user);
  const UserScratch sibling;
  const auto unchanged = answer_of_child([&] {
    const NamespaceFiles files(sibling);
    if (join_at_once(NamespaceFiles(nested)) != 0) return false;
    const ProcessState before;
    for (const auto plan : {Plan::automatic, Plan::sequential, Plan::one_shot, Plan::owner_aware}) {
      for (const auto& target : {descriptors_of(files), UserTarget::process(nested.pid())}) {
        (void)exec_in_user_netns(target, {.argv = {"/no/such/program"}}, plan);
      }
    }
    return ProcessState() == before;
  });

  EXPECT_TRUE(unchanged);
}

}  // namespace
}  // namespace nsgate::test
