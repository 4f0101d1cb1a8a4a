// SPDX-License-Identifier: Apache-2.0
//
// What becomes of the devices of a network namespace that ends. Physical ones go back to the first
// namespace (network_namespaces(7)); where there is none to be moved, that is not seen here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/requirements.h"
#include "support/veth.h"

namespace nsgate::test {
namespace {

/// Tells of interfaces that go from the calling thread's namespace.
class LinkEvents {
 public:
  LinkEvents() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  /// Waits until an interface is gone; 0 or the errno of waiting in vain.
  int wait_for_end() const {
    alignas(nlmsghdr) std::array<char, 16384> event{};
    while (true) {
      const auto size = ::recv(socket_.get(), event.data(), event.size(), 0);
      if (size < 0 && errno != EINTR) return errno;
      const auto& header = *reinterpret_cast<const nlmsghdr*>(event.data());
      if (size > 0 && header.nlmsg_type == RTM_DELLINK) return 0;
    }
  }

 private:
  Fd socket_;
};

TEST(NetnsEnd, DestroysItsVirtualDevicesAndTheirFarEnds) {
  BEHAVIOUR("LT15");
  REQUIRES(own_netns);
  REQUIRES(veth);
  struct Seen {
    int made;
    bool pair, both_before;
    int waited;
    bool near, moved_back;
    bool namespace_ended;
  };

  const auto seen = answer_of_owner([] {
    ScratchNetns other;
    Seen answer{};
    Fd netns = other.open("ns/net");
    // First: a device that leads there gives the namespace an id as well.
    const NetnsWatch watch(netns);
    answer.made = add_veth("nsgate-near", "nsgate-far", netns);
    answer.pair = ::if_nametoindex("nsgate-near") != 0 && ::if_nametoindex("nsgate-far") == 0;
    const LinkEvents events;
    netns.reset();
    answer.both_before = ::if_nametoindex("nsgate-near") != 0;
    other.reap();
    answer.waited = events.wait_for_end();
    answer.near = ::if_nametoindex("nsgate-near") != 0;
    answer.moved_back = ::if_nametoindex("nsgate-far") != 0;
    answer.namespace_ended = !watch.alive();
    return answer;
  });

  ASSERT_EQ(seen.made, 0);
  EXPECT_TRUE(seen.pair);
  EXPECT_TRUE(seen.both_before);
  EXPECT_EQ(seen.waited, 0);
  EXPECT_FALSE(seen.near);
  EXPECT_FALSE(seen.moved_back);
  EXPECT_TRUE(seen.namespace_ended);
  // The first namespace, unless the suite itself runs in another.
  EXPECT_EQ(::if_nametoindex("nsgate-far"), 0u);
}

}  // namespace
}  // namespace nsgate::test
