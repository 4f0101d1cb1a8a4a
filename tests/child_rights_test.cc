// SPDX-License-Identifier: Apache-2.0
//
// The rights with which the child joins: exactly the caller's, although the child may execute a
// program of core's own on the way, and execve(2) changes capabilities.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/capabilities.h"
#include "support/child_output.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/plans.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// For a child of root: another uid that has every capability, but would lose them by execve(2).
int become_capable_user() {
  return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 ? become_user(1001) : errno;
}

int drop_from_bounding_set(int number) { return ::prctl(PR_CAPBSET_DROP, number) == 0 ? 0 : errno; }

/// Takes a capability out of the effective set only.
int lower(int number) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return errno;
  data[static_cast<std::size_t>(number) / 32].effective &= ~(1u << (number % 32));
  return ::syscall(SYS_capset, &header, data.data()) == 0 ? 0 : errno;
}

/// How a caller ends that is not the owner of the target's user namespace, by core and by setns.
struct Tried {
  Ended by_core;
  int by_kernel;
  friend bool operator==(const Tried&, const Tried&) = default;
};

void PrintTo(const Tried& tried, std::ostream* out) {
  *out << "core: " << tried.by_core << "; setns: errno " << tried.by_kernel;
}

Tried try_as(const NamespaceFiles& files, const std::function<int()>& become) {
  const auto by_core = answer_of_child([&]() -> Ended {
    if (const int error = become(); error != 0) return exited(error);
    return how_it_ended(exec_in_user_netns(descriptors_of(files), no_program));
  });
  const int by_kernel = answer_of_child([&] {
    const int error = become();
    return error != 0 ? error : join_user(files);
  });
  return {by_core, by_kernel};
}

const Tried enters{entered, 0};
const Tried is_refused{refused(Stage::setns_user, EPERM), EPERM};

TEST(ExecInUserNetns, RootDoesNotGetACapabilityBackThatItGaveUp) {
  BEHAVIOUR("CP02 UN18");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);

  EXPECT_EQ(try_as(files, [] { return 0; }), enters);
  EXPECT_EQ(try_as(files, [] { return drop_capability(CAP_SYS_ADMIN); }), is_refused);
  EXPECT_EQ(try_as(files, [] { return lower(CAP_SYS_ADMIN); }), is_refused);
  EXPECT_EQ(try_as(files, [] { return keep_capabilities(0); }), is_refused);
  EXPECT_EQ(try_as(files, [] { return keep_capabilities(capability(CAP_SYS_ADMIN)); }), enters);
}

TEST(ExecInUserNetns, CapabilityThatExecveTakesAwayIsStillThereToJoinWith) {
  BEHAVIOUR("CP02");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);

  EXPECT_EQ(try_as(files,
                   [] {
                     const int error = become_capable_user();
                     return error != 0 ? error : keep_capabilities(capability(CAP_SYS_ADMIN));
                   }),
            enters);
  EXPECT_EQ(try_as(files,
                   [] {
                     const int error = become_capable_user();
                     return error != 0 ? error : drop_capability(CAP_SYS_ADMIN);
                   }),
            is_refused);
  EXPECT_EQ(try_as(files,
                   [] {
                     const int error = become_capable_user();
                     return error != 0 ? error : keep_capabilities(0);
                   }),
            is_refused);
}

TEST(ExecInUserNetns, BoundingSetOfTheCallerIsNoObstacle) {
  BEHAVIOUR("CP02 UN10");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);

  // Still permitted, but no longer after an execve(2).
  EXPECT_EQ(try_as(files, [] { return drop_from_bounding_set(CAP_SYS_ADMIN); }), enters);
  EXPECT_EQ(try_as(files, [] { return drop_from_bounding_set(CAP_NET_RAW); }), enters);
  EXPECT_EQ(try_as(files,
                   [] {
                     const int error = drop_from_bounding_set(CAP_NET_RAW);
                     return error != 0 ? error : drop_capability(CAP_NET_RAW);
                   }),
            enters);
  EXPECT_EQ(try_as(files,
                   [] {
                     const int error = drop_from_bounding_set(CAP_SYS_ADMIN);
                     return error != 0 ? error : drop_capability(CAP_SYS_ADMIN);
                   }),
            is_refused);
}

TEST(ExecInUserNetns, ProgramRunsOnceAlthoughTheStubCannotHaveTheCallersRights) {
  BEHAVIOUR("CP02 UN18");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch own;
  const NamespaceFiles files(own);

  // execve(2) gives root its bounding set, and what is not in it cannot be had back.
  const auto printed = output_of_child([&] {
    if (const int error = drop_from_bounding_set(CAP_NET_RAW); error != 0) return error;
    const auto ended = exec_in_user_netns(descriptors_of(files),
                                          {.argv = {helper(), "ids"}, .inherit_stdio = true});
    return ended && ended->succeeded() ? 0 : 99;
  });

  EXPECT_EQ(printed.status, 0);
  EXPECT_EQ(printed.out, "0 0 0 0\n");
}

TEST(ExecInUserNetns, RootThatIsNoSpecialUserKeepsItsCapabilitiesUntilItHasJoined) {
  BEHAVIOUR("CP02");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);

  EXPECT_EQ(try_as(NamespaceFiles(other),
                   [] { return ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT) == 0 ? 0 : errno; }),
            enters);
}

TEST(ExecInUserNetns, OwnerNeedsNoCapability) {
  BEHAVIOUR("UN01 UN10");
  REQUIRES(userns);
  const UserScratch own;

  EXPECT_EQ(try_as(NamespaceFiles(own), [] { return keep_capabilities(0); }), enters);
}

TEST(ExecInNetns, RootDoesNotGetACapabilityBackOnTheWayToOtherIds) {
  BEHAVIOUR("CP02");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd net = other.open("ns/net");
  Command as_uid_1000 = no_program;
  as_uid_1000.credentials = {.uid = 1000, .gid = 1000};
  const auto try_without = [&](int number) {
    return answer_of_child([&]() -> Ended {
      if (const int error = drop_capability(number); error != 0) return exited(error);
      return how_it_ended(exec_in_netns(Target::descriptor(net.get()), as_uid_1000));
    });
  };

  EXPECT_EQ(try_without(CAP_SYS_ADMIN), refused(Stage::setns_net, EPERM));
  EXPECT_EQ(try_without(CAP_SETUID), refused(Stage::credentials, EPERM));
  EXPECT_EQ(try_without(CAP_SETGID), refused(Stage::credentials, EPERM));
  EXPECT_EQ(try_without(CAP_NET_RAW), entered);
}

}  // namespace
}  // namespace nsgate::test
