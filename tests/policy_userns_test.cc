// SPDX-License-Identifier: Apache-2.0
//
// Where namespaces may not be made, those that are there can still be entered.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/arrival.h"
#include "support/ended.h"
#include "support/namespaces.h"
#include "support/policies.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// REQUIRES: root. A setting that is another one for a while.
class SysctlSuspended {
 public:
  SysctlSuspended(const std::string& name, const std::string& value) : path_("/proc/sys/" + name) {
    std::ifstream(path_) >> policy_;
    write(value);
  }
  SysctlSuspended(const SysctlSuspended&) = delete;
  ~SysctlSuspended() { write(policy_); }

 private:
  void write(const std::string& value) const { std::ofstream(path_) << value; }

  std::string path_;
  std::string policy_;
};

int error_of_unshare(int flags) {
  return answer_of_child([=] { return error_of(::unshare(flags)); });
}

/// How uid 1000 fares with its own namespaces, which it has from before the policy, and whether it
/// may make more. REQUIRES: root.
struct Seen {
  int unshared;
  Arrival arrival;
  NamespaceId expected;
};

Seen enter_what_was_made_before(const std::string& sysctl, const std::string& allowing) {
  const auto other = [&] {
    const SysctlSuspended suspended(sysctl, allowing);
    return std::make_unique<UserScratch>(UserScratch::Map::owner_to_zero, 1000);
  }();
  const std::string program = helper();
  const auto expected = other->id();
  return answer_of_child([&]() -> Seen {
    become_user(1000);
    const auto entered =
        exec_in_user_netns(UserTarget::process(other->pid()), {.argv = {program, "netns"}});
    return {
        error_of(::unshare(CLONE_NEWUSER)), {how_it_ended(entered), printed_id(entered)}, expected};
  });
}

TEST(Policy, LimitOfZeroUserNamespacesIsEnospcForEveryone) {
  BEHAVIOUR("PP02");
  REQUIRES(userns_off);
  EXPECT_EQ(error_of_unshare(CLONE_NEWUSER), ENOSPC);
  EXPECT_EQ(error_of_unshare(CLONE_NEWUSER | CLONE_NEWNET), ENOSPC);
}

TEST(Policy, LimitOfZeroUserNamespacesLeavesThoseThatAreThereToBeEntered) {
  BEHAVIOUR("PP02");
  REQUIRES(userns_off);
  REQUIRES(root);
  const auto seen = enter_what_was_made_before("user/max_user_namespaces", "100");
  EXPECT_EQ(seen.unshared, ENOSPC);
  EXPECT_EQ(seen.arrival, arrival_in(seen.expected));
}

TEST(Policy, UserNamespacesForRootOnlyAreEpermForOthers) {
  BEHAVIOUR("PP01");
  REQUIRES(userns_clone_0);
  EXPECT_EQ(error_of_unshare(CLONE_NEWUSER), ::geteuid() == 0 ? 0 : EPERM);
}

TEST(Policy, UserNamespacesForRootOnlyAreStillEnteredByTheirOwner) {
  BEHAVIOUR("PP01");
  REQUIRES(userns_clone_0);
  REQUIRES(root);
  const auto seen = enter_what_was_made_before("kernel/unprivileged_userns_clone", "1");
  EXPECT_EQ(seen.unshared, EPERM);
  EXPECT_EQ(seen.arrival, arrival_in(seen.expected));
}

TEST(Policy, LimitOfZeroNetworkNamespacesIsEnospcForEveryone) {
  BEHAVIOUR("PP03");
  REQUIRES(netns_limit_0);
  const int owned = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
  EXPECT_EQ(error_of_unshare(owned | CLONE_NEWNET), ENOSPC);
  EXPECT_EQ(error_of_unshare(owned | CLONE_NEWNS), 0);
}

TEST(Policy, LimitOfZeroNetworkNamespacesLeavesThoseThatAreThereToBeEntered) {
  BEHAVIOUR("PP03");
  REQUIRES(netns_limit_0);
  if (::geteuid() == 0) {
    EXPECT_EQ(how_it_ended(in_netns(Target::current(), [] {})), exited(0));
    const auto seen = enter_what_was_made_before("user/max_net_namespaces", "100");
    EXPECT_EQ(seen.arrival, arrival_in(seen.expected));
  } else {
    // Only a namespace of somebody else's is there.
    EXPECT_EQ(how_it_ended(in_netns(Target::current(), [] {})), refused(Stage::setns_net, EPERM));
  }
}

/// As Ubuntu does it, a namespace may be made, but without capabilities in it (unprivileged_userns
/// of its AppArmor policy), or not at all where that profile is not loaded.
TEST(Policy, RestrictedUserNamespacesOfUbuntuGiveNoCapabilities) {
  BEHAVIOUR("PP04");
  REQUIRES(ubuntu_apparmor);
  if (::geteuid() == 0) {
    EXPECT_EQ(error_of_unshare(CLONE_NEWUSER), 0);
  } else {
    EXPECT_NE(answer_of_child([] { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); }), 0);
  }
}

}  // namespace
}  // namespace nsgate::test
