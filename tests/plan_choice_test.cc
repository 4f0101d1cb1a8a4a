// SPDX-License-Identifier: Apache-2.0
//
// What UserNetns makes of a target and a plan before anything is joined: the steps, and why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "nsgate/join.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/plans.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Stage> stages_of(const UserNetns& both) {
  std::vector<Stage> stages;
  for (const auto& step : both.steps()) stages.push_back(step.stage);
  return stages;
}

TEST(UserNetns, ProcessIsJoinedByOneShotUnlessAnotherPlanIsAskedFor) {
  BEHAVIOUR("UN01 UN05");
  REQUIRES(userns);
  const UserScratch own;
  const auto target = UserTarget::process(own.pid());

  const auto automatic = UserNetns::open(target);
  const auto sequential = UserNetns::open(target, Plan::sequential);
  const auto owner_aware = UserNetns::open(target, Plan::owner_aware);

  ASSERT_THAT(automatic, IsOk());
  EXPECT_EQ(automatic->plan(), Plan::one_shot);
  EXPECT_THAT(automatic->why(), HasSubstr("one setns"));
  EXPECT_THAT(stages_of(*automatic), ElementsAre(Stage::setns_both));
  EXPECT_TRUE(automatic->joins_user());
  ASSERT_THAT(sequential, IsOk());
  EXPECT_EQ(sequential->plan(), Plan::sequential);
  EXPECT_EQ(sequential->why(), "asked for");
  EXPECT_THAT(stages_of(*sequential), ElementsAre(Stage::setns_user, Stage::setns_net));
  ASSERT_THAT(owner_aware, IsOk());
  EXPECT_EQ(owner_aware->plan(), Plan::owner_aware);
  EXPECT_THAT(stages_of(*owner_aware), ElementsAre(Stage::setns_user, Stage::setns_net));
}

TEST(UserNetns, HoldsTheNamespacesOfTheTarget) {
  BEHAVIOUR("EX07");
  REQUIRES(userns);
  const UserScratch own;

  const auto by_process = UserNetns::open(UserTarget::process(own.pid()));
  const auto by_owner = UserNetns::open(UserTarget::owned(Target::process(own.pid())));

  for (const auto* both : {&by_process, &by_owner}) {
    ASSERT_THAT(*both, IsOk());
    EXPECT_EQ(id_of((*both)->user()), id_of(own.open("ns/user")));
    EXPECT_EQ(id_of((*both)->net()), own.id());
  }
}

/// The steps of descriptors, for which the owner decides.
Result<UserNetns> open_by_owner(const ParkedProcess& target) {
  const NamespaceFiles files(target);
  return UserNetns::open(descriptors_of(files));
}

TEST(UserNetns, OwnerDecidesTheOrderOfDescriptors) {
  BEHAVIOUR("UN02 UN03 UN04");
  REQUIRES(userns);
  struct Row {
    int (*setup)();
    std::vector<Stage> stages;
    const char* why;
  };
  const Stage user = Stage::setns_user;
  const Stage net = Stage::setns_net;
  const std::vector<Row> rows{
      {&net_owned_by_user, {user, net}, "is the user namespace, or in it"},
      {&net_owned_below_user, {user, net}, "is the user namespace, or in it"},
      {&net_owned_by_the_callers_own, {net, user}, "only your own user namespace holds both"},
      {&net_owned_above_user, {user, net, user}, "joined first"},
      {&net_owned_beside_user, {user, net, user}, "joined first"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.why);
    const ParkedProcess target(row.setup);

    const auto both = open_by_owner(target);

    ASSERT_THAT(both, IsOk());
    EXPECT_EQ(both->plan(), Plan::owner_aware);
    EXPECT_EQ(stages_of(*both), row.stages);
    EXPECT_THAT(both->why(), HasSubstr(row.why));
    EXPECT_TRUE(both->joins_user());
  }
}

TEST(UserNetns, CallersOwnUsernsIsNotJoined) {
  BEHAVIOUR("UN14");
  const auto both = UserNetns::open(UserTarget::process(::getpid()));

  ASSERT_THAT(both, IsOk());
  EXPECT_FALSE(both->joins_user());
  EXPECT_EQ(both->plan(), Plan::owner_aware);
  EXPECT_THAT(both->why(), HasSubstr("your own already"));
  EXPECT_THAT(stages_of(*both), ElementsAre(Stage::setns_net));
}

TEST(UserNetns, OneShotWithoutAProcessIsNotSupported) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const UserScratch own;
  const NamespaceFiles files(own);
  const auto owned = UserTarget::owned(Target::process(own.pid()));

  for (const auto& target : {descriptors_of(files), owned}) {
    const auto both = UserNetns::open(target, Plan::one_shot);
    ASSERT_THAT(both, FailsAt(Stage::open, EOPNOTSUPP));
    EXPECT_THAT(both.error().note, HasSubstr("needs a process"));
  }
}

TEST(UserNetns, OneShotWithoutPidfdOpenIsNotSupportedAndAutomaticDoesWithout) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const UserScratch own;
  const auto target = UserTarget::process(own.pid());

  struct Answer {
    int error;
    Plan plan;
  };

  const auto seen = answer_of_child([&]() -> Answer {
    if (const int error = refuse_syscall(SYS_pidfd_open, ENOSYS); error != 0) return {error, {}};
    const auto one_shot = UserNetns::open(target, Plan::one_shot);
    const auto automatic = UserNetns::open(target);
    return {one_shot ? 0 : one_shot.error().code, automatic ? automatic->plan() : Plan::automatic};
  });

  EXPECT_EQ(seen.error, EOPNOTSUPP);
  EXPECT_EQ(seen.plan, Plan::owner_aware);
}

}  // namespace
}  // namespace nsgate::test
