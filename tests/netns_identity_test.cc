// SPDX-License-Identifier: Apache-2.0
//
// Who a namespace is, whose it is, and how to reach it without a path.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <string>

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/hidden_proc.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/own_rights.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

Fd owner_of(const Fd& netns) { return Fd(::ioctl(netns.get(), NS_GET_USERNS)); }
Fd netns_of_socket(const Fd& socket) { return Fd(::ioctl(socket.get(), SIOCGSKNS)); }
Fd make_socket(int family) { return Fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }
Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }

/// SO_NETNS_COOKIE of asm-generic/socket.h, since Linux 5.14; 0 on failure, with errno set.
std::uint64_t current_cookie() {
  constexpr int so_netns_cookie = 71;
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  const Fd socket = make_socket(AF_INET);
  return ::getsockopt(socket.get(), SOL_SOCKET, so_netns_cookie, &cookie, &size) == 0 ? cookie : 0;
}

TEST(Netns, NamespacesThatAreAliveDiffer) {
  BEHAVIOUR("TR26");
  REQUIRES(own_netns);
  const OwnScratch one;
  const OwnScratch other;

  EXPECT_NE(id_of(one.open("ns/net")), id_of(other.open("ns/net")));
  EXPECT_NE(id_of(one.open("ns/net")), current_netns());
  EXPECT_EQ(id_of(one.open("ns/net")), id_of(one.open("ns/net")));
}

TEST(Netns, NumberOfADeadNamespaceComesBackAndItsCookieDoesNot) {
  BEHAVIOUR("TR26");
  REQUIRES(own_netns);
  struct Seen {
    bool number_came_back, cookie_came_back;
  };

  const auto seen = answer_of_owner([] {
    std::map<ino_t, std::uint64_t> cookies;
    // Taking a namespace down goes on after its last process has ended, so its number is not the
    // next one's for certain.
    for (int made = 0; made < 1000; ++made) {
      const ScratchNetns netns;
      const auto cookie = in_netns(Target::process(netns.pid()), current_cookie).value_or(0);
      const auto [old, is_new] = cookies.emplace(netns.id().inode, cookie);
      if (!is_new) return Seen{true, cookie != 0 && old->second == cookie};
    }
    return Seen{false, false};
  });

  EXPECT_TRUE(seen.number_came_back);
  EXPECT_FALSE(seen.cookie_came_back);
}

TEST(Netns, CookieIsThereSinceLinux514) {
  BEHAVIOUR("TR26");

  const int error = current_cookie() != 0 ? 0 : errno;

  EXPECT_EQ(error, on_this_kernel<int>({{{0, 0}, ENOPROTOOPT}, {{5, 14}, 0}}));
}

TEST(Netns, OwnerIsTheUserNamespaceItWasMadeIn) {
  BEHAVIOUR("TR28");
  REQUIRES(userns);
  const UserScratch scratch;

  const Fd owner = owner_of(scratch.open("ns/net"));
  const Fd own_owner = owner_of(open_own("/proc/self/ns/net"));

  ASSERT_TRUE(owner);
  EXPECT_EQ(id_of(owner), id_of(scratch.open("ns/user")));
  // Out of reach to a container in the network of its host, which may not enter it either.
  if (!own_owner) {
    EXPECT_FALSE(may_reenter_own_netns());
    return;
  }
  EXPECT_EQ(id_of(own_owner), current_userns());
}

TEST(Netns, OwnerIsNotShownInsideAChildOfTheOwner) {
  BEHAVIOUR("TR28");
  REQUIRES(userns);
  const Fd host = open_own("/proc/self/ns/net");

  const auto errors = answer_of_child([&] {
    const int unshared = unshare_mapped(CLONE_NEWUSER);
    return std::array{unshared, error_of(owner_of(host))};
  });

  EXPECT_THAT(errors, ElementsAre(0, EPERM));
}

TEST(Netns, SocketLeadsToItsNamespaceWithPrivilegeOverIt) {
  BEHAVIOUR("TR29");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId other, by_socket;
    std::array<Ended, 2> both_ways;
  };
  for (const int family : {AF_INET, AF_UNIX, AF_NETLINK}) {
    SCOPED_TRACE(family);

    const auto seen = answer_of_owner([=] {
      const ScratchNetns other;
      const auto socket =
          in_netns(Target::process(other.pid()), [=] { return make_socket(family); });
      const Fd netns = netns_of_socket(socket.value());
      return Seen{.other = other.id(),
                  .by_socket = netns ? id_of(netns) : NamespaceId{},
                  .both_ways = enter_both_ways(Target::descriptor(netns.get()))};
    });

    EXPECT_EQ(seen.by_socket, seen.other);
    EXPECT_THAT(seen.both_ways, Each(exited(0)));
  }
}

TEST(Netns, SocketOfAnothersNamespaceLeadsNowhere) {
  BEHAVIOUR("TR29");
  const Fd hosts = make_socket(AF_INET);

  const auto errors = answer_of_child([&] {
    const int dropped = become_unprivileged();
    return std::array{dropped, error_of(netns_of_socket(hosts)),
                      error_of(netns_of_socket(open_own("/dev/null")))};
  });

  EXPECT_THAT(errors, ElementsAre(0, EPERM, ENOTTY));
}

TEST(Netns, WithoutProcAPidIsWithinReachLikeADescriptor) {
  BEHAVIOUR("TR30");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    int hidden;
    std::array<Ended, 2> by_pid, by_descriptor;
    Ended user, own_user;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const UserScratch deeper;
    const Fd netns = other.open("ns/net");
    const std::string program = helper();
    const auto enter_user = [&](const ParkedProcess& process) {
      return how_it_ended(
          exec_in_user_netns(UserTarget::process(process.pid()), {.argv = {program, "exit", "0"}}));
    };
    Seen answer{};
    answer.hidden = hide_proc();
    answer.by_pid = enter_both_ways(Target::process(other.pid()), program);
    answer.by_descriptor = enter_both_ways(Target::descriptor(netns.get()), program);
    answer.user = enter_user(deeper);
    answer.own_user = enter_user(other);
    return answer;
  });

  EXPECT_EQ(seen.hidden, 0);
  EXPECT_THAT(seen.by_pid, Each(exited(0)));
  EXPECT_THAT(seen.by_descriptor, Each(exited(0)));
  EXPECT_EQ(seen.user, exited(0));
  // Without the ioctls of a pidfd (Linux 6.11) nobody can tell that it is the caller's own.
  EXPECT_EQ(seen.own_user, on_this_kernel<Ended>({{{0, 0}, refused(Stage::setns_both, EINVAL)},
                                                  {{6, 11}, exited(0)}}));
}

TEST(Setns, WithoutProcAPidfdLeadsInAndASocketBack) {
  BEHAVIOUR("TR30");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    int hidden, joined, ioctl, returned;
    bool moved, back;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const auto target = id_of(other.open("ns/net"));
    const auto own = current_netns();
    const Fd way_back = netns_of_socket(make_socket(AF_UNIX));
    Seen answer{};
    answer.hidden = hide_proc();
    const Fd process = pidfd_open(other.pid());
    answer.ioctl = error_of(netns_of_pidfd(process));
    answer.joined = setns_error(process.get(), CLONE_NEWNET);
    answer.moved = id_of(netns_of_socket(make_socket(AF_UNIX))) == target;
    answer.returned = setns_error(way_back.get(), CLONE_NEWNET);
    answer.back = id_of(netns_of_socket(make_socket(AF_UNIX))) == own;
    return answer;
  });

  EXPECT_EQ(seen.hidden, 0);
  EXPECT_EQ(seen.joined, 0);
  EXPECT_TRUE(seen.moved);
  EXPECT_EQ(seen.returned, 0);
  EXPECT_TRUE(seen.back);
  // PIDFD_GET_NET_NAMESPACE, since Linux 6.11.
  EXPECT_EQ(seen.ioctl, on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, 0}}));
}

}  // namespace
}  // namespace nsgate::test
