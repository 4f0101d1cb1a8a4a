// SPDX-License-Identifier: Apache-2.0
//
// Who the program is in a user namespace that was joined for it.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <iomanip>
#include <sstream>
#include <string>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/capabilities.h"
#include "support/child_output.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/process_state.h"
#include "support/requirements.h"
#include "support/user_maps.h"

namespace nsgate::test {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

/// uids, gids, supplementary groups and capabilities, a line each.
const std::vector<std::string> print_rights{helper(), "status", "Uid",    "Gid",
                                            "Groups", "CapEff", "CapPrm", "CapBnd"};

std::string line_of(CapabilitySet set) {
  std::ostringstream digits;
  digits << std::hex << std::setw(16) << std::setfill('0') << set << '\n';
  return digits.str();
}

std::string ids(const std::string& id) { return id + '\t' + id + '\t' + id + '\t' + id + '\n'; }

std::string out_of(const Result<Finished>& ended) {
  return ended ? ended->out : ended.error().message();
}

/// What the program is that util-linux's nsenter -U -n executes: sys-utils/nsenter.c.
std::string rights_by_nsenter(const NamespaceFiles& files) {
  return output_of_child([&] {
           if (join_user(files) != 0 || join_net(files) != 0) return 1;
           if (::setgid(0) != 0) return 2;
           (void)::setgroups(0, nullptr);  // it goes on where that is denied
           if (::setuid(0) != 0) return 3;
           std::vector<char*> argv;
           for (const auto& word : print_rights) argv.push_back(const_cast<char*>(word.c_str()));
           argv.push_back(nullptr);
           ::execv(argv[0], argv.data());
           return 4;
         })
      .out;
}

TEST(ExecInUserNetns, ProgramIsRootInsideAsThatOfNsenter) {
  BEHAVIOUR("UN10 UN11 UN13");
  REQUIRES(userns);
  const UserScratch own;

  const auto rights =
      out_of(exec_in_user_netns(UserTarget::process(own.pid()), {.argv = print_rights}));

  EXPECT_THAT(rights, StartsWith(ids("0") + ids("0")));
  const auto every = line_of(every_capability());
  EXPECT_THAT(rights, EndsWith(every + every + every));
  EXPECT_EQ(rights, rights_by_nsenter(NamespaceFiles(own)));
}

TEST(ExecInUserNetns, ProgramIsRootInsideAlsoWhereTheCallerIsNotMapped) {
  BEHAVIOUR("UN08 UN11");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);

  const auto rights =
      out_of(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = print_rights}));

  EXPECT_THAT(rights, StartsWith(ids("0") + ids("0")));
  const auto every = line_of(every_capability());
  EXPECT_THAT(rights, EndsWith(every + every + every));
  EXPECT_EQ(rights, rights_by_nsenter(NamespaceFiles(other)));
}

TEST(ExecInUserNetns, GroupsAreDroppedWhereTheMapLetsThem) {
  BEHAVIOUR("UN13 UN17");
  REQUIRES(userns);
  REQUIRES(root);
  const MappedScratch other(1000, "0 1000 1\n1 100000 10\n");
  const auto groups_by = [&](bool preserve) {
    return output_of_child([&] {
             constexpr gid_t some[] = {4, 24};
             if (::setgroups(2, some) != 0) return 1;
             const auto ended = exec_in_user_netns(UserTarget::process(other.pid()),
                                                   {.argv = {helper(), "status", "Groups", "Uid"},
                                                    .inherit_stdio = true,
                                                    .preserve_credentials = preserve});
             return ended ? 0 : 2;
           })
        .out;
  };

  EXPECT_EQ(groups_by(false), "\n" + ids("0"));
  EXPECT_EQ(groups_by(true), "65534 65534 \n" + ids("65534"));
}

TEST(ExecInUserNetns, GroupsAreKeptWhereSetgroupsIsDenied) {
  BEHAVIOUR("UN13");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);

  const auto child = output_of_child([&] {
    constexpr gid_t some[] = {4, 24};
    if (::setgroups(2, some) != 0) return 1;
    const auto ended =
        exec_in_user_netns(UserTarget::process(other.pid()),
                           {.argv = {helper(), "status", "Groups", "Uid"}, .inherit_stdio = true});
    return ended ? 0 : 2;
  });

  EXPECT_EQ(child.out, "65534 65534 \n" + ids("0"));
}

TEST(ExecInUserNetns, UnmappedRootIsAnErrorOfTheCredentialsThatSaysWhy) {
  BEHAVIOUR("UN12");
  REQUIRES(userns);
  const UserScratch unmapped(UserScratch::Map::none);
  const auto target = UserTarget::process(unmapped.pid());
  const ProcessState before;

  const auto ended = exec_in_user_netns(target, {.argv = {helper(), "ids"}});

  ASSERT_THAT(ended, FailsAt(Stage::credentials, EINVAL));
  EXPECT_EQ(ended.error().note, "its user namespace does not map uid 0 and gid 0");
  EXPECT_EQ(ProcessState(), before);
  map_owner_to_zero(unmapped);
  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "ids"}}), Prints("0 0 0 0\n"));
}

TEST(ExecInUserNetns, PreservedCredentialsAreTheCallersEvenWhereNothingMapsThem) {
  BEHAVIOUR("UN11 UN12");
  REQUIRES(userns);
  const UserScratch unmapped(UserScratch::Map::none);
  const Command preserved{.argv = print_rights, .preserve_credentials = true};

  const auto rights = out_of(exec_in_user_netns(UserTarget::process(unmapped.pid()), preserved));

  EXPECT_THAT(rights, StartsWith(ids("65534") + ids("65534")));
  const auto none = line_of(0);
  EXPECT_THAT(rights, ::testing::HasSubstr(none + none))
      << "execve(2) leaves a non-root no capability";
}

TEST(Exec, CallersCredentialsAreKeptWhereNoUsernsIsJoined) {
  BEHAVIOUR("UN11 UN14");
  REQUIRES(root);
  const ScratchNetns other;
  const auto groups =
      output_of_child([&] {
        constexpr gid_t some[] = {4, 24};
        if (::setgroups(2, some) != 0) return 1;
        const Command command{.argv = {helper(), "status", "Uid", "Groups"}, .inherit_stdio = true};
        const auto net = exec_in_netns(Target::process(other.pid()), command);
        const auto both = exec_in_user_netns(UserTarget::process(other.pid()), command);
        return net && both ? 0 : 2;
      }).out;

  const auto kept = ids("0") + "4 24 \n";
  EXPECT_EQ(groups, kept + kept);
}

}  // namespace
}  // namespace nsgate::test
