// SPDX-License-Identifier: Apache-2.0
//
// A program of other ids, as the command says: inside a user namespace and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

#include <cerrno>
#include <iomanip>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/capabilities.h"
#include "support/ended.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/process_state.h"
#include "support/requirements.h"
#include "support/user_maps.h"

namespace nsgate::test {
namespace {

std::string line_of(CapabilitySet set) {
  std::ostringstream digits;
  digits << std::hex << std::setw(16) << std::setfill('0') << set << '\n';
  return digits.str();
}

std::string ids(const std::string& id) { return id + '\t' + id + '\t' + id + '\t' + id + '\n'; }

TEST(ExecInUserNetns, GivenCredentialsAreThoseInside) {
  BEHAVIOUR("UN11 UN17");
  REQUIRES(userns);
  REQUIRES(root);
  const MappedScratch other(1000, "0 1000 1\n1 100000 50\n");
  const auto as = [&](Command::Credentials credentials) {
    return exec_in_user_netns(UserTarget::process(other.pid()),
                              {.argv = {helper(), "status", "Uid", "Gid", "Groups", "CapEff"},
                               .credentials = std::move(credentials)});
  };

  EXPECT_THAT(as({2, 3, {4, 24}}), Prints(ids("2") + ids("3") + "4 24 \n" + line_of(0)));
  EXPECT_THAT(as({0, 3}), Prints(ids("0") + ids("3") + "\n" + line_of(every_capability())));
  EXPECT_THAT(as({51, 0}), FailsAt(Stage::credentials, EINVAL));
  EXPECT_THAT(as({0, 51}), FailsAt(Stage::credentials, EINVAL));
  EXPECT_THAT(as({0, 0, {51}}), FailsAt(Stage::credentials, EINVAL));
}

TEST(ExecInUserNetns, GivenGroupsAreAnErrorWhereSetgroupsIsDenied) {
  BEHAVIOUR("UN13");
  REQUIRES(userns);
  const UserScratch own;
  const auto with_groups = [&](std::vector<gid_t> groups) {
    return exec_in_user_netns(
        UserTarget::process(own.pid()),
        {.argv = {helper(), "ids"}, .credentials = {{.uid = 0, .gid = 0, .groups = groups}}});
  };

  EXPECT_THAT(with_groups({0}), FailsAt(Stage::credentials, EPERM));
  EXPECT_THAT(with_groups({}), Prints("0 0 0 0\n"));
}

TEST(ExecInUserNetns, NoteOfUnmappedRootIsNotGivenForIdsThatWereAskedFor) {
  BEHAVIOUR("UN12");
  REQUIRES(userns);
  const UserScratch own;

  const auto ended =
      exec_in_user_netns(UserTarget::process(own.pid()),
                         {.argv = {helper(), "ids"}, .credentials = {{.uid = 7, .gid = 0}}});

  ASSERT_THAT(ended, FailsAt(Stage::credentials, EINVAL));
  EXPECT_EQ(ended.error().note, "");
}

TEST(ExecInNetns, RootGivesItsRightsUpForTheProgram) {
  BEHAVIOUR("UN11");
  REQUIRES(root);
  const ScratchNetns other;
  const Command command{.argv = {helper(), "status", "Uid", "Gid", "Groups", "CapEff", "CapPrm"},
                        .credentials = {{.uid = 1000, .gid = 1001, .groups = {4, 24}}}};
  const ProcessState before;

  const auto ended = exec_in_netns(Target::process(other.pid()), command);

  EXPECT_THAT(ended, Prints(ids("1000") + ids("1001") + "4 24 \n" + line_of(0) + line_of(0)));
  EXPECT_EQ(ProcessState(), before);
}

TEST(ExecInNetns, ProgramOfOtherIdsIsInTheTarget) {
  BEHAVIOUR("UN11");
  REQUIRES(root);
  const ScratchNetns other;

  const auto ended =
      exec_in_netns(Target::process(other.pid()),
                    {.argv = {helper(), "netns"}, .credentials = {{.uid = 1000, .gid = 1000}}});

  EXPECT_THAT(ended, Prints(::testing::PrintToString(other.id()) + '\n'));
}

TEST(ExecInNetns, OtherIdsAreRefusedToWhoMayEnterButNotChangeThem) {
  BEHAVIOUR("CP01");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd net = other.open("ns/net");
  const auto as = [&](Command::Credentials credentials) {
    return answer_of_child([&]() -> Ended {
      if (const int error = keep_capabilities(capability(CAP_SYS_ADMIN)); error != 0) {
        return exited(error);
      }
      Command command = no_program;
      command.credentials = credentials;
      return how_it_ended(exec_in_netns(Target::descriptor(net.get()), command));
    });
  };

  EXPECT_EQ(as({1000, 1000}), refused(Stage::credentials, EPERM));
  EXPECT_EQ(as({0, 0, {4}}), refused(Stage::credentials, EPERM));
}

}  // namespace
}  // namespace nsgate::test
