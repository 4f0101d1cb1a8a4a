// SPDX-License-Identifier: Apache-2.0
//
// What joining a user namespace does to the one who joins: capabilities and ids.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/capabilities.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// What an id that the user namespace does not map looks like (user_namespaces(7)).
constexpr uid_t unmapped = 65534;

/// As a line of /proc/PID/status has it.
std::string as_status(CapabilitySet set) {
  std::ostringstream digits;
  digits << std::hex << std::setw(16) << std::setfill('0') << set << '\n';
  return digits.str();
}

int write_to_process(const ParkedProcess& process, const char* file, const std::string& text) {
  std::ofstream out("/proc/" + std::to_string(process.pid()) + "/" + file);
  out << text << std::flush;
  return out ? 0 : errno;
}

TEST(Setns, JoiningAUsernsGivesEveryCapabilityButNoNewPrivsStays) {
  BEHAVIOUR("UN10");
  REQUIRES(userns);
  const UserScratch own;
  const NamespaceFiles files(own);
  struct Answer {
    int error;
    Capabilities capabilities;
    int no_new_privs;
  };

  const auto answer = answer_of_child([&]() -> Answer {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int error = keep_capabilities(0);
    if (error == 0) error = join_user(files);
    return {error, current_capabilities(), ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)};
  });

  EXPECT_EQ(answer.error, 0);
  const CapabilitySet every = every_capability();
  EXPECT_EQ(answer.capabilities, (Capabilities{0, every, every, every, 0}));
  EXPECT_EQ(answer.no_new_privs, 1);
}

TEST(Setns, JoiningAUsernsGivesBackADroppedBoundingSetAndStandardSecurebits) {
  BEHAVIOUR("UN10");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch own;
  const NamespaceFiles files(own);
  struct Answer {
    int error;
    Capabilities before;
    Capabilities after;
    int securebits;
  };

  const auto answer = answer_of_child([&]() -> Answer {
    int error = keep_capabilities(current_capabilities().permitted);  // makes them inheritable
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0 ||
        ::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) != 0 ||
        ::prctl(PR_CAPBSET_DROP, CAP_NET_RAW) != 0) {
      error = errno;
    }
    const auto before = current_capabilities();
    if (error == 0) error = join_user(files);
    return {error, before, current_capabilities(), ::prctl(PR_GET_SECUREBITS)};
  });

  EXPECT_EQ(answer.error, 0);
  const CapabilitySet every = every_capability();
  EXPECT_EQ(answer.before.bounding & capability(CAP_NET_RAW), 0u);
  EXPECT_EQ(answer.before.ambient, capability(CAP_NET_ADMIN));
  EXPECT_EQ(answer.after, (Capabilities{0, every, every, every, 0}));
  EXPECT_EQ(answer.securebits, SECUREBITS_DEFAULT);
}

TEST(ExecInUserNetns, ProgramOfTheMappedOwnerHasEveryCapability) {
  BEHAVIOUR("UN10 UN11");
  REQUIRES(userns);
  const UserScratch own;
  const auto target = UserTarget::process(own.pid());
  const std::string every = as_status(every_capability());

  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "ids"}}), Prints("0 0 0 0\n"));
  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "status", "CapEff", "CapBnd"}}),
              Prints(every + every));
  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "up"}}), ExitsWith(0));
}

TEST(ExecInUserNetns, ProgramOfAnUnmappedCallerHasNoCapabilityUnlessItBecomesRootInside) {
  BEHAVIOUR("UN11");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const auto target = UserTarget::process(other.pid());

  const auto preserving = [&](std::vector<std::string> argv) {
    return exec_in_user_netns(target, {.argv = std::move(argv), .preserve_credentials = true});
  };

  EXPECT_THAT(preserving({helper(), "ids"}), Prints("65534 65534 65534 65534\n"));
  EXPECT_THAT(preserving({helper(), "status", "CapEff"}), Prints(as_status(0)));
  EXPECT_THAT(preserving({helper(), "up"}), ExitsWith(EPERM));

  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "ids"}}), Prints("0 0 0 0\n"));
  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "status", "CapEff"}}),
              Prints(as_status(every_capability())));
  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "up"}}), ExitsWith(0));
}

TEST(ExecInNetns, ProgramKeepsItsCapabilitiesAfterTheCallerBecameRootInTheUserns) {
  BEHAVIOUR("UN11");
  REQUIRES(userns);
  REQUIRES(root);
  const ParkedProcess other([] {
    if (const int error = become_user(1000); error != 0) return error;
    return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET, false);
  });
  // Root is there, too, so that it may still execute a helper in a folder of its own.
  ASSERT_EQ(write_to_process(other, "uid_map", "0 1000 1\n5 0 1\n"), 0);
  ASSERT_EQ(write_to_process(other, "gid_map", "0 1000 1\n5 0 1\n"), 0);
  const NamespaceFiles files(other);
  const auto exit_code_of_up = [&](bool become_root) {
    return answer_of_child([&] {
      if (const int error = join_user(files); error != 0) return -error;
      if (::getuid() != 5) return -EDOM;
      if (become_root && (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)) return -errno;
      const auto ended =
          exec_in_netns(Target::descriptor(files.net.get()), {.argv = {helper(), "up"}});
      if (!ended) return -ended.error().code;
      const auto* exited = std::get_if<Exited>(&ended->how);
      return exited != nullptr ? exited->code : -EINTR;
    });
  };

  EXPECT_EQ(exit_code_of_up(false), EPERM);
  EXPECT_EQ(exit_code_of_up(true), 0);
}

TEST(Setns, UsernsWithoutAMapCanBeJoinedButNobodyCanBecomeRootThere) {
  BEHAVIOUR("UN12");
  REQUIRES(userns);
  const UserScratch other(UserScratch::Map::none);
  const NamespaceFiles files(other);
  struct Answer {
    int error;
    uid_t uid;
    int become_root;
  };

  const auto answer = answer_of_child([&]() -> Answer {
    const int error = join_user(files);
    return {error, ::getuid(), ::setresuid(0, 0, 0) == 0 ? 0 : errno};
  });

  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(answer.uid, unmapped);
  EXPECT_EQ(answer.become_root, EINVAL);
}

TEST(ExecInUserNetns, ProgramThatKeepsItsIdsHasNoCapabilityUntilTheUsernsHasItsMap) {
  BEHAVIOUR("UN12");
  REQUIRES(userns);
  const UserScratch other(UserScratch::Map::none);
  const auto preserving = [&](std::vector<std::string> argv) {
    return exec_in_user_netns(UserTarget::process(other.pid()),
                              {.argv = std::move(argv), .preserve_credentials = true});
  };

  EXPECT_THAT(preserving({helper(), "status", "CapEff"}), Prints(as_status(0)));
  EXPECT_THAT(preserving({helper(), "up"}), ExitsWith(EPERM));

  ASSERT_EQ(write_to_process(other, "uid_map", "0 " + std::to_string(::geteuid()) + " 1"), 0);
  EXPECT_THAT(preserving({helper(), "status", "CapEff"}), Prints(as_status(every_capability())));
  EXPECT_THAT(preserving({helper(), "up"}), ExitsWith(0));
}

TEST(ExecInUserNetns, ProgramCannotBecomeRootUntilTheUsernsHasBothMaps) {
  BEHAVIOUR("UN12");
  REQUIRES(userns);
  const UserScratch other(UserScratch::Map::none);
  const Command up{.argv = {helper(), "up"}};
  const auto result = [&] { return exec_in_user_netns(UserTarget::process(other.pid()), up); };
  const auto one = [](unsigned id) { return "0 " + std::to_string(id) + " 1"; };

  const auto unmapped_ids = result();
  ASSERT_THAT(unmapped_ids, FailsAt(Stage::credentials, EINVAL));
  EXPECT_EQ(unmapped_ids.error().note, "its user namespace does not map uid 0 and gid 0");
  ASSERT_EQ(write_to_process(other, "uid_map", one(::geteuid())), 0);
  EXPECT_THAT(result(), FailsAt(Stage::credentials, EINVAL));
  ASSERT_EQ(write_to_process(other, "setgroups", "deny"), 0);
  ASSERT_EQ(write_to_process(other, "gid_map", one(::getegid())), 0);
  EXPECT_THAT(result(), ExitsWith(0));
}

TEST(Setns, SetgroupsIsRefusedWhereTheUsernsDeniesIt) {
  BEHAVIOUR("UN13");
  REQUIRES(userns);
  const UserScratch own;
  const NamespaceFiles files(own);

  const auto set_groups_inside = [&] {
    if (const int error = join_user(files); error != 0) return -error;
    return ::setgroups(0, nullptr) == 0 ? 0 : errno;
  };

  EXPECT_EQ(answer_of_child(set_groups_inside), EPERM);
  // Nor does core: the program is root, with the groups that it had.
  const auto target = UserTarget::process(own.pid());
  const Command groups{.argv = {helper(), "status", "Groups"}};
  Command preserving = groups;
  preserving.preserve_credentials = true;
  const auto kept = exec_in_user_netns(target, preserving);
  ASSERT_THAT(kept, ExitsWith(0));
  EXPECT_THAT(exec_in_user_netns(target, groups), Prints(kept->out));
  EXPECT_THAT(exec_in_user_netns(target, {.argv = {helper(), "ids"}}), Prints("0 0 0 0\n"));
}

TEST(Setns, SetgroupsIsAllowedWhereThePrivilegedMapperLeftItSo) {
  BEHAVIOUR("UN13");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch own(UserScratch::Map::none);
  ASSERT_EQ(write_to_process(own, "uid_map", "0 0 1"), 0);
  ASSERT_EQ(write_to_process(own, "gid_map", "0 0 1"), 0);
  const NamespaceFiles files(own);

  EXPECT_EQ(answer_of_child([&] {
              if (const int error = join_user(files); error != 0) return error;
              return ::setgroups(0, nullptr) == 0 ? 0 : errno;
            }),
            0);
  const gid_t group = 0;
  ASSERT_EQ(::setgroups(1, &group), 0);
  const auto target = UserTarget::process(own.pid());
  const Command groups{.argv = {helper(), "status", "Groups"}};
  Command preserving = groups;
  preserving.preserve_credentials = true;
  EXPECT_THAT(exec_in_user_netns(target, preserving), Prints("0 \n"));
  EXPECT_THAT(exec_in_user_netns(target, groups), Prints("\n"));
}

}  // namespace
}  // namespace nsgate::test
