// SPDX-License-Identifier: Apache-2.0
//
// The userland's nsenter(1) and unshare(1) say the same of the same namespaces as core does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/tools.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;

/// `nsenter -t PID FLAGS… COMMAND…`.
ToolRun nsenter(pid_t pid, std::vector<std::string> words) {
  words.insert(words.begin(), {"nsenter", "-t", std::to_string(pid)});
  return run_tool(words);
}

/// Where nsenter and core lead, or that they do not.
struct Compared {
  NamespaceId net_by_tool, net_by_core;
  NamespaceId user_by_tool, user_by_core;
  int tool, core;  ///< exit codes, as of a wrapper
};

std::ostream& operator<<(std::ostream& out, const Compared& seen) {
  return out << "the tool exits with " << seen.tool << " and is in " << seen.net_by_tool << " of "
             << seen.user_by_tool << "; core exits with " << seen.core << " and is in "
             << seen.net_by_core << " of " << seen.user_by_core;
}

MATCHER(Agree, "both lead to the same namespaces, or both refuse") {
  return (arg.tool == 0) == (arg.core == 0) && arg.net_by_tool == arg.net_by_core &&
         arg.user_by_tool == arg.user_by_core;
}
MATCHER(Succeeded, "both succeed") { return arg.tool == 0 && arg.core == 0; }
MATCHER(Refused, "both refuse") { return arg.tool != 0 && arg.core != 0; }

Compared compare_net(pid_t pid) {
  const auto target = Target::process(pid);
  const auto tool = nsenter(pid, {"-n", helper(), "netns"});
  const auto core = exec_in_netns(target, {.argv = {helper(), "netns"}});
  return {.net_by_tool = tool.id(),
          .net_by_core = printed_id(core),
          .user_by_tool = nsenter(pid, {"-n", helper(), "userns"}).id(),
          .user_by_core = printed_id(exec_in_netns(target, {.argv = {helper(), "userns"}})),
          .tool = tool.exit_code,
          .core = exit_code(core)};
}

/// Without it nsenter gives up where setgroups(2) is denied, which is in every user namespace that
/// its owner mapped without privilege (user_namespaces(7)); core leaves the groups then.
constexpr const char* keep_ids = "--preserve-credentials";

Compared compare_user_net(pid_t pid) {
  const auto target = UserTarget::process(pid);
  const auto tool = nsenter(pid, {"-U", "-n", keep_ids, helper(), "netns"});
  const auto core = exec_in_user_netns(target, {.argv = {helper(), "netns"}});
  return {.net_by_tool = tool.id(),
          .net_by_core = printed_id(core),
          .user_by_tool = nsenter(pid, {"-U", "-n", keep_ids, helper(), "userns"}).id(),
          .user_by_core = printed_id(exec_in_user_netns(target, {.argv = {helper(), "userns"}})),
          .tool = tool.exit_code,
          .core = exit_code(core)};
}

TEST(CrossCheck, NsenterAndCoreReachTheNetnsOfAPid) {
  BEHAVIOUR("TR15");
  REQUIRES(tools);
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const ParkedProcess neighbour([] { return 0; });
    return std::array{compare_net(other.pid()), compare_net(neighbour.pid())};
  });

  EXPECT_THAT(seen, Each(AllOf(Agree(), Succeeded())));
  EXPECT_NE(seen[0].net_by_core, seen[1].net_by_core);
}

TEST(CrossCheck, NsenterAndCoreRefuseWhatIsNoProcess) {
  BEHAVIOUR("TR15");
  REQUIRES(tools);
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    ScratchNetns zombie;
    zombie.make_zombie();
    constexpr pid_t nobodys = 2147483647;
    return std::array{compare_net(zombie.pid()), compare_net(nobodys),
                      compare_user_net(zombie.pid()), compare_user_net(nobodys)};
  });

  EXPECT_THAT(seen, Each(AllOf(Agree(), Refused())));
}

TEST(CrossCheck, NsenterAndCoreRefuseTheUnprivileged) {
  BEHAVIOUR("TR15 UN01");
  REQUIRES(tools);
  REQUIRES(own_netns);
  struct Seen {
    int unprivileged;
    Compared net;
    Compared into_roots;
  };
  const OwnScratch own;
  const auto pid = own.pid();

  const auto seen = answer_of_child([pid] {
    return Seen{.unprivileged = become_unprivileged(),
                .net = compare_net(pid),
                .into_roots = compare_user_net(1)};
  });

  EXPECT_EQ(seen.unprivileged, 0);
  EXPECT_THAT(seen.net, AllOf(Agree(), Refused()));
  EXPECT_THAT(seen.into_roots, AllOf(Agree(), Refused()));
}

TEST(CrossCheck, NsenterAndCoreReachWhatUnshareMade) {
  BEHAVIOUR("UN01");
  REQUIRES(tools);
  REQUIRES(userns);
  const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});

  const auto seen = compare_user_net(other.pid());

  EXPECT_THAT(seen, AllOf(Agree(), Succeeded()));
  EXPECT_EQ(seen.net_by_core, netns_of(other.pid()));
  EXPECT_NE(seen.user_by_core, current_userns());
}

TEST(CrossCheck, NsenterAndCoreAreTheSameUserInsideWhatUnshareMade) {
  BEHAVIOUR("UN11");
  REQUIRES(tools);
  REQUIRES(userns);
  const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});
  const std::vector<std::string> ids{helper(), "ids"};
  const std::vector<std::string> capabilities{helper(), "status", "CapEff", "CapPrm", "CapInh"};

  for (const auto& words : {ids, capabilities}) {
    auto flags = std::vector<std::string>{"-U", "-n", keep_ids};
    flags.insert(flags.end(), words.begin(), words.end());
    EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = words}),
                Prints(nsenter(other.pid(), flags).text));
  }
}

TEST(CrossCheck, CoreEntersWhereNsenterGivesUpOverGroups) {
  BEHAVIOUR("UN11");
  REQUIRES(rootless);
  REQUIRES(tools);
  const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});

  const auto tool = nsenter(other.pid(), {"-U", "-n", helper(), "netns"});
  const auto core =
      exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "netns"}});

  EXPECT_EQ(printed_id(core), netns_of(other.pid()));
  // It refuses for this reason or, should a newer one learn it, does the same.
  EXPECT_TRUE(tool.text.contains("setgroups") || tool.id() == printed_id(core)) << tool.text;
}

TEST(CrossCheck, NsenterAndCoreAgreeWhoeverOwnsTheNetns) {
  BEHAVIOUR("UN05");
  REQUIRES(tools);
  REQUIRES(userns);
  const std::array setups{&net_owned_by_user,     &net_owned_by_the_callers_own,
                          &net_owned_above_user,  &net_owned_below_user,
                          &net_owned_beside_user, &net_owned_beside_user_at_the_top};
  using Seen = std::array<Compared, 6>;

  const auto seen = answer_of_owner([&] {
    Seen answer{};
    for (std::size_t i = 0; i < setups.size(); ++i) {
      const ParkedProcess process(setups[i]);
      answer[i] = compare_user_net(process.pid());
    }
    return answer;
  });

  EXPECT_THAT(seen, Each(AllOf(Agree(), Succeeded())));
}

TEST(CrossCheck, NsenterAndCoreAgreeWhereTheUserNamespaceGivesTheRight) {
  BEHAVIOUR("UN05");
  REQUIRES(rootless);
  REQUIRES(tools);

  for (const auto& setup : {&net_owned_by_user, &net_owned_below_user}) {
    const ParkedProcess process(setup);
    EXPECT_THAT(compare_user_net(process.pid()), AllOf(Agree(), Succeeded()));
  }
  const ParkedProcess out_of_reach(&net_owned_by_the_callers_own);
  EXPECT_THAT(compare_user_net(out_of_reach.pid()), AllOf(Agree(), Refused()));
}

/// Only the rights of the network namespace's owner lead there, and nsenter joins what it was told
/// one by one (util-linux issue 1592).
TEST(CrossCheck, CoreEntersByTheOwnerWhereNsenterGivesUp) {
  BEHAVIOUR("UN05");
  REQUIRES(rootless);
  REQUIRES(tools);

  for (const auto& setup : {&net_owned_above_user, &net_owned_beside_user}) {
    const ParkedProcess process(setup);
    const auto seen = compare_user_net(process.pid());
    EXPECT_EQ(seen.core, 0) << seen;
    EXPECT_EQ(seen.net_by_core, netns_of(process.pid()));
    // It refuses or, should a newer one learn it, does the same.
    EXPECT_TRUE(seen.tool != 0 || seen.net_by_tool == seen.net_by_core) << seen;
  }
}

}  // namespace
}  // namespace nsgate::test
