// SPDX-License-Identifier: Apache-2.0
//
// Numbers by which a namespace is known: its socket cookie since Linux 5.14, its id since 6.18, and
// the fixed inodes and ids of the initial ones. Before, a namespace is told by its held descriptor.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/initial_userns.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/newer_interfaces.h"
#include "support/requirements.h"
#include "support/socket_netns.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

struct Number {
  int error;
  std::uint64_t value;
};

Number cookie_here() {
  const auto cookie = cookie_of_socket(Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  return cookie ? Number{0, *cookie} : Number{cookie.error(), 0};
}

Number id_number(const Fd& file) {
  std::uint64_t id = 0;
  const int error = error_of(::ioctl(file.get(), ns_get_id, &id));
  return {error, id};
}

Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }

// socket(7): SO_NETNS_COOKIE since Linux 5.14.
int cookie_error() { return on_this_kernel<int>({{{0, 0}, ENOPROTOOPT}, {{5, 14}, 0}}); }
// NS_GET_ID: "nsfs: add current namespace id", Linux 6.18 (KST nsid_test); measured on 6.18.44.
int id_error() { return on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 18}, 0}}); }

TEST(Netns, CookieIsTheSameForEverySocketOfANamespaceAndNoOther) {
  BEHAVIOUR("AP12");
  REQUIRES(own_netns);
  struct Seen {
    Number first, again, other;
    NamespaceId own, others;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd held = other.open("ns/net");
    return Seen{cookie_here(), cookie_here(),
                in_netns(Target::descriptor(held.get()), cookie_here).value(), current_netns(),
                id_of(held)};
  });

  EXPECT_EQ(seen.first.error, cookie_error());
  EXPECT_EQ(seen.other.error, cookie_error());
  // What tells them apart everywhere, as long as both are held.
  EXPECT_NE(seen.own, seen.others);
  if (cookie_error() != 0) return;
  EXPECT_NE(seen.first.value, 0u);
  EXPECT_EQ(seen.first.value, seen.again.value);
  EXPECT_NE(seen.first.value, seen.other.value);
}

/// The cookie of a namespace made on this processor.
std::uint64_t cookie_made_on(int processor) {
  return answer_of_child([=] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(processor), &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return std::uint64_t{0};
    return ::unshare(CLONE_NEWNET) == 0 ? cookie_here().value : std::uint64_t{0};
  });
}

std::vector<int> processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<int> numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) numbers.push_back(cpu);
  }
  return numbers;
}

TEST(Netns, CookiesAreUniqueButTellNoOrder) {
  BEHAVIOUR("TR27");
  REQUIRES(own_netns);
  struct Seen {
    std::array<std::uint64_t, 8> cookies;
    bool ascending;
  };
  const auto cpus = processors();

  const auto seen = answer_of_owner([&] {
    Seen answer{};
    // Processors take turns; each hands out a batch of its own (include/linux/cookie.h).
    for (std::size_t i = 0; i < answer.cookies.size(); ++i) {
      answer.cookies[i] = cookie_made_on(cpus[i % std::min<std::size_t>(cpus.size(), 2)]);
    }
    answer.ascending = std::ranges::is_sorted(answer.cookies);
    return answer;
  });

  const std::set<std::uint64_t> distinct(seen.cookies.begin(), seen.cookies.end());
  const bool there = cookie_error() == 0;
  EXPECT_EQ(distinct.size(), there ? seen.cookies.size() : 1);
  EXPECT_EQ(distinct.contains(0), !there);
  // One processor alone counts up.
  EXPECT_EQ(seen.ascending, !there || cpus.size() == 1);
}

TEST(NsfsIoctl, NamespaceHasAnIdThatIsTheCookieOfItsSocketsSinceLinux618) {
  BEHAVIOUR("AP20 AP24");
  REQUIRES(own_netns);
  struct Place {
    Number id, again, cookie;
  };
  struct Seen {
    Place own, other;
    Number user, mount;
  };

  const auto seen = answer_of_owner([] {
    const auto look = [] {
      return Place{id_number(open_own("/proc/thread-self/ns/net")),
                   id_number(open_own("/proc/thread-self/ns/net")), cookie_here()};
    };
    const ScratchNetns other;
    return Seen{look(), in_netns(Target::process(other.pid()), look).value(),
                id_number(open_own("/proc/self/ns/user")),
                id_number(open_own("/proc/self/ns/mnt"))};
  });

  for (const auto& number : {seen.own.id, seen.other.id, seen.user, seen.mount}) {
    EXPECT_EQ(number.error, id_error());
  }
  if (id_error() != 0) return;
  EXPECT_EQ(seen.own.id.value, seen.own.again.value);
  EXPECT_EQ(seen.own.id.value, seen.own.cookie.value);
  EXPECT_EQ(seen.other.id.value, seen.other.cookie.value);
  // One space of numbers for all kinds.
  const std::set distinct{seen.own.id.value, seen.other.id.value, seen.user.value,
                          seen.mount.value};
  EXPECT_EQ(distinct.size(), 4u);
  EXPECT_FALSE(distinct.contains(0));
}

/// This sysctl is shown in the initial network namespace only (net/core/sysctl_net_core.c).
bool in_initial_netns() { return ::access("/proc/sys/net/core/netdev_budget", F_OK) == 0; }

constexpr ino_t initial_netns_inode = 0xEFFFFFF9;
constexpr ino_t initial_userns_inode = 0xEFFFFFFD;

TEST(Netns, InitialOneHasAFixedInodeSinceLinux618) {
  BEHAVIOUR("AP22");
  REQUIRES(own_netns);

  const auto own = current_netns().inode;
  const bool initial = in_initial_netns();
  const auto [fresh, fresh_is_initial] = answer_of_owner([] {
    return std::array<ino_t, 2>{current_netns().inode, in_initial_netns()};
  });

  // include/uapi/linux/nsfs.h: NET_NS_INIT_INO of Linux 6.18. Before, one of the numbers from
  // PROC_DYNAMIC_FIRST (0xF0000000) on, as every other namespace has.
  EXPECT_EQ(own == initial_netns_inode, initial && running_kernel() >= (KernelVersion{6, 18}));
  EXPECT_GE(own, running_kernel() >= (KernelVersion{6, 18}) ? initial_netns_inode : 0xF0000000u);
  EXPECT_GE(fresh, 0xF0000000u);
  EXPECT_EQ(fresh_is_initial, 0u);
}

TEST(Userns, InitialOneHasItsFixedInodeOnEveryKernel) {
  BEHAVIOUR("AP22");
  EXPECT_EQ(current_userns().inode == initial_userns_inode, in_initial_userns());
}

TEST(NsfsIoctl, InitialNamespacesHaveFixedIdsSinceLinux619) {
  BEHAVIOUR("AP23");
  const auto net = id_number(open_own("/proc/self/ns/net"));
  const auto user = id_number(open_own("/proc/self/ns/user"));

  ASSERT_EQ(net.error, id_error());
  ASSERT_EQ(user.error, id_error());
  // enum init_ns_id of linux/nsfs.h; the last is 8.
  const bool fixed = running_kernel() >= KernelVersion{6, 19};
  if (!fixed) return;
  EXPECT_EQ(net.value == 7, in_initial_netns());
  EXPECT_EQ(user.value == 3, in_initial_userns());
}

}  // namespace
}  // namespace nsgate::test
