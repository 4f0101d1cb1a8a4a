// SPDX-License-Identifier: Apache-2.0
//
// setns(2) itself: of namespace files since Linux 3.0, of pidfds and for time namespaces since 5.8.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>

#include "helper/helper.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

#ifdef __x86_64__
static_assert(SYS_setns == 308);
#endif

Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }

TEST(Setns, NamespaceFileLeadsIntoItsNamespace) {
  BEHAVIOUR("AP01");
  REQUIRES(own_netns);
  struct Seen {
    int error;
    NamespaceId target, before, after;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd file = other.open("ns/net");
    const auto before = current_netns();
    const int error = error_of(::syscall(SYS_setns, file.get(), CLONE_NEWNET));
    return Seen{error, other.id(), before, current_netns()};
  });

  EXPECT_EQ(seen.error, 0);
  EXPECT_NE(seen.before, seen.target);
  EXPECT_EQ(seen.after, seen.target);
}

TEST(Netns, KernelWithoutSetnsIsToldAsSuch) {
  BEHAVIOUR("AP01");
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const std::string program = helper();
    if (refuse_syscall(SYS_setns, ENOSYS) != 0) return std::array<Ended, 2>{};
    return enter_both_ways(Target::process(other.pid()), program);
  });

  EXPECT_THAT(seen, Each(refused(Stage::setns_net, ENOSYS)));
}

TEST(Setns, PidfdLeadsIntoSeveralNamespacesAtOnce) {
  BEHAVIOUR("AP08");
  REQUIRES(userns);
  struct Seen {
    int error;
    NamespaceId net, user;
  };
  const UserScratch other;
  const Fd process = pidfd_open(other.pid());

  const auto seen = answer_of_child([&] {
    const int error = setns_error(process.get(), CLONE_NEWUSER | CLONE_NEWNET);
    return Seen{error, current_netns(), current_userns()};
  });

  EXPECT_EQ(seen.error, 0);
  EXPECT_EQ(seen.net, id_of(other.open("ns/net")));
  EXPECT_EQ(seen.user, id_of(other.open("ns/user")));
}

/// Of the namespace that the caller's next child will be in, and of the caller's own.
struct TimeNamespaces {
  NamespaceId of_children, own;
  friend bool operator==(const TimeNamespaces&, const TimeNamespaces&) = default;
};

TimeNamespaces time_namespaces() {
  return {id_of(open_own("/proc/self/ns/time_for_children")),
          id_of(open_own("/proc/self/ns/time"))};
}

TEST(Setns, TimeNamespaceIsJoinedByFileAndByPidfd) {
  BEHAVIOUR("AP08");
  REQUIRES(own_netns);
  struct Joined {
    int error;
    TimeNamespaces reached;
  };
  struct Seen {
    NamespaceId before, target;
    Joined by_file, by_pidfd;
  };

  const auto seen = answer_of_owner([] {
    // unshare(2) makes it for the children; its maker stays outside.
    const ParkedProcess other([] { return error_of(::unshare(CLONE_NEWTIME)); });
    const Fd file = other.open("ns/time_for_children");
    const auto joined = [](int fd) {
      return answer_of_child([=] {
        const int error = setns_error(fd, CLONE_NEWTIME);
        return Joined{error, time_namespaces()};
      });
    };
    // A pidfd means the namespace its process is in, not that of its children.
    const ParkedProcess inside([&] { return setns_error(file.get(), CLONE_NEWTIME); });
    const auto by_file = joined(file.get());
    const auto by_pidfd = joined(pidfd_open(inside.pid()).get());
    return Seen{time_namespaces().own, id_of(file), by_file, by_pidfd};
  });

  EXPECT_NE(seen.before, seen.target);
  EXPECT_EQ(seen.by_file.error, 0);
  EXPECT_EQ(seen.by_pidfd.error, 0);
  const TimeNamespaces both{seen.target, seen.target};
  EXPECT_TRUE(seen.by_file.reached == both);
  EXPECT_TRUE(seen.by_pidfd.reached == both);
}

}  // namespace
}  // namespace nsgate::test
