// SPDX-License-Identifier: Apache-2.0
//
// Netlink sockets that the closure makes and the caller uses.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

Fd netlink_socket() { return Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)); }

/// A request with one kind of body and 32-bit attributes.
template <typename Body>
class Request {
 public:
  Request(std::uint16_t type, const Body& body) {
    header().nlmsg_type = type;
    header().nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    header().nlmsg_len = NLMSG_LENGTH(sizeof body);
    std::memcpy(NLMSG_DATA(bytes_.data()), &body, sizeof body);
  }

  Request& add(std::uint16_t type, std::int32_t value) {
    rtattr attribute{.rta_len = RTA_LENGTH(sizeof value), .rta_type = type};
    char* const at = bytes_.data() + NLMSG_ALIGN(header().nlmsg_len);
    std::memcpy(at, &attribute, sizeof attribute);
    std::memcpy(at + RTA_LENGTH(0), &value, sizeof value);
    header().nlmsg_len = NLMSG_ALIGN(header().nlmsg_len) + attribute.rta_len;
    return *this;
  }

  /// 0, or the errno of the kernel's answer, which is there when send(2) returns.
  int send(const Fd& socket) {
    if (::send(socket.get(), bytes_.data(), header().nlmsg_len, 0) < 0) return errno;
    alignas(nlmsghdr) std::array<char, 4096> answer{};
    if (::recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT) < 0) return errno;
    const auto& got = *reinterpret_cast<const nlmsghdr*>(answer.data());
    if (got.nlmsg_type != NLMSG_ERROR) return EPROTO;
    return -static_cast<const nlmsgerr*>(NLMSG_DATA(answer.data()))->error;
  }

 private:
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }

  alignas(nlmsghdr) std::array<char, 256> bytes_{};
};

int loopback_mtu() {
  ifreq query{};
  query.ifr_name[0] = 'l';
  query.ifr_name[1] = 'o';
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return ::ioctl(socket.get(), SIOCGIFMTU, &query) == 0 ? query.ifr_mtu : -errno;
}

TEST(InNetns, NetlinkSocketOfTheClosureConfiguresTheTargetForTheCaller) {
  BEHAVIOUR("SK06");
  REQUIRES(own_netns);
  struct Seen {
    int before;
    int error;
    int inside;
    int after;
  };

  // In a namespace of the test's own, so that not even a broken core changes the machine's.
  const auto seen = answer_of_owner([]() -> Seen {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    const int before = loopback_mtu();
    ifinfomsg loopback{};
    loopback.ifi_index = 1;
    const auto socket = in_netns(target, netlink_socket);
    const int error =
        socket ? Request(RTM_NEWLINK, loopback).add(IFLA_MTU, 1400).send(*socket) : EIO;
    return {before, error, in_netns(target, loopback_mtu).value_or(-1), loopback_mtu()};
  });

  EXPECT_NE(seen.before, 1400);
  EXPECT_EQ(seen.error, 0);
  EXPECT_EQ(seen.inside, 1400);
  EXPECT_EQ(seen.after, seen.before);
}

/// A socket that hears of links in its own namespace and in those that have an id there.
Fd link_listener() {
  Fd socket = netlink_socket();
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  const int on = 1;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof on) != 0) {
    return Fd();
  }
  return socket;
}

/// The namespace id that came with the next message, if there is one already.
std::optional<int> next_nsid(const Fd& socket) {
  alignas(nlmsghdr) std::array<char, 8192> bytes{};
  iovec data{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, 256> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket.get(), &message, MSG_DONTWAIT) < 0) return std::nullopt;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != NETLINK_LISTEN_ALL_NSID) return std::nullopt;
  return *reinterpret_cast<const int*>(CMSG_DATA(header));
}

TEST(InNetns, NetlinkSocketOfTheClosureHearsOfNamespacesWithAnIdInTheTarget) {
  BEHAVIOUR("SK06");
  REQUIRES(root);
  const ScratchNetns other;
  const ScratchNetns known;
  const ScratchNetns unknown;
  const auto target = Target::process(other.pid());
  const Fd known_file = known.open("ns/net");
  constexpr int id = 7;

  const auto listener = in_netns(target, link_listener);
  const auto requester = in_netns(target, netlink_socket);
  ASSERT_THAT(listener, IsOkAndHolds(::testing::IsTrue()));
  ASSERT_THAT(requester, IsOk());
  ASSERT_EQ(Request(RTM_NEWNSID, rtgenmsg{})
                .add(NETNSA_NSID, id)
                .add(NETNSA_FD, known_file.get())
                .send(*requester),
            0);
  ASSERT_THAT(in_netns(Target::process(unknown.pid()), set_loopback_up), IsOkAndHolds(0));
  ASSERT_THAT(in_netns(Target::process(known.pid()), set_loopback_up), IsOkAndHolds(0));

  EXPECT_EQ(next_nsid(*listener), id);
  EXPECT_EQ(next_nsid(*listener), std::nullopt);
}

}  // namespace
}  // namespace nsgate::test
