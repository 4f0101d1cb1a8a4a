// SPDX-License-Identifier: Apache-2.0
//
// Which capabilities entry needs, and where.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/ended.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// For a child of root: becomes uid 1000 but keeps the permitted capabilities (prctl(2)).
int become_capable_user() {
  return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 ? become_user(1000) : errno;
}

/// How each of core's ways ends.
struct Ways {
  Ended in_netns;
  Ended exec_in_netns;
  friend bool operator==(const Ways&, const Ways&) = default;
};

void PrintTo(const Ways& ways, std::ostream* out) {
  *out << "in_netns: " << ways.in_netns << "; exec_in_netns: " << ways.exec_in_netns;
}

const Ways both_enter{exited(0), entered};
Ways both_fail_at(Stage stage, int code) { return {refused(stage, code), refused(stage, code)}; }

/// Both net-only ways, in a child that first calls `become`.
template <typename F>
Ways try_ways(const Target& target, F become) {
  return answer_of_child([&]() -> Ways {
    if (const int error = become(); error != 0) return {exited(-error), exited(-error)};
    return {how_it_ended(in_netns(target, [] {})), how_it_ended(exec_in_netns(target, no_program))};
  });
}

TEST(InNetns, NeedsCapSysAdminInTheCallersUsernsAndInTheOneThatOwnsTheTarget) {
  BEHAVIOUR("CP01");
  REQUIRES(userns);
  const UserScratch own;
  const NamespaceFiles files(own);
  const Fd home(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const auto target = Target::descriptor(files.net.get());

  // The owner of a user namespace has every capability there, but not where it is itself.
  EXPECT_EQ(try_ways(target, [] { return keep_capabilities(0); }),
            both_fail_at(Stage::setns_net, EPERM));
  EXPECT_EQ(try_ways(Target::descriptor(home.get()), [&] { return join_user(files); }),
            both_fail_at(Stage::setns_net, EPERM));
  EXPECT_EQ(try_ways(target, [&] { return join_user(files); }), both_enter);
}

TEST(InNetns, RefusesUidZeroWithoutCapSysAdminAndTakesAnotherUidWithIt) {
  BEHAVIOUR("CP02");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd net = other.open("ns/net");
  const auto target = Target::descriptor(net.get());

  EXPECT_EQ(try_ways(target, [] { return drop_capability(CAP_SYS_ADMIN); }),
            both_fail_at(Stage::setns_net, EPERM));
  EXPECT_EQ(try_ways(target,
                     [] {
                       const int error = become_capable_user();
                       return error != 0 ? error : keep_capabilities(capability(CAP_SYS_ADMIN));
                     }),
            both_enter);
  EXPECT_EQ(try_ways(target,
                     [] {
                       const int error = become_capable_user();
                       return error != 0 ? error : drop_capability(CAP_SYS_ADMIN);
                     }),
            both_fail_at(Stage::setns_net, EPERM));
}

TEST(ExecInUserNetns, UidZeroWithoutCapSysAdminIsRefusedAnotherUsersUsernsOnly) {
  BEHAVIOUR("CP02");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch own;
  const UserScratch of_uid_1000(UserScratch::Map::owner_to_zero, 1000);
  const auto try_target = [](const UserScratch& scratch, Plan plan) {
    return answer_of_child([&]() -> Ended {
      if (const int error = drop_capability(CAP_SYS_ADMIN); error != 0) return exited(error);
      return how_it_ended(exec_in_user_netns(UserTarget::process(scratch.pid()), no_program, plan));
    });
  };

  EXPECT_EQ(try_target(own, Plan::automatic), entered);
  EXPECT_EQ(try_target(own, Plan::sequential), entered);
  EXPECT_EQ(try_target(of_uid_1000, Plan::automatic), refused(Stage::setns_both, EPERM));
  EXPECT_EQ(try_target(of_uid_1000, Plan::sequential), refused(Stage::setns_user, EPERM));
}

TEST(Socket, ItsNetnsIsGivenOnlyToWhoAdministersIt) {
  BEHAVIOUR("CP08");
  REQUIRES(userns);
  const UserScratch own;
  const NamespaceFiles files(own);
  struct Answer {
    int setup;
    int outside;
    int inside;
    NamespaceId seen;
  };
  const auto netns_of_a_socket = [] {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return Fd(::ioctl(socket.get(), SIOCGSKNS));
  };

  const auto answer = answer_of_child([&]() -> Answer {
    if (const int error = keep_capabilities(0); error != 0) return {error, 0, 0, {}};
    const int outside = netns_of_a_socket() ? 0 : errno;
    if (const int error = join_at_once(files); error != 0) return {error, 0, 0, {}};
    const Fd inside = netns_of_a_socket();
    return {0, outside, inside ? 0 : errno, inside ? id_of(inside) : NamespaceId{}};
  });

  EXPECT_EQ(answer.setup, 0);
  EXPECT_EQ(answer.outside, EPERM);
  EXPECT_EQ(answer.inside, 0);
  EXPECT_EQ(answer.seen, own.id());
}

}  // namespace
}  // namespace nsgate::test
