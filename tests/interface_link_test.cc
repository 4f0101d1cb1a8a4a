// SPDX-License-Identifier: Apache-2.0
//
// Which interfaces stay in their network namespace: rtnetlink(7) tells since Linux 6.15.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>

#include "support/either_user.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/newer_interfaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// A request about the loopback interface with one attribute, as rtnetlink takes it.
struct Request {
  nlmsghdr header{};
  ifinfomsg link{};
  rtattr attribute{};
  std::uint32_t value = 0;
};
static_assert(sizeof(Request) == NLMSG_HDRLEN + sizeof(ifinfomsg) + RTA_LENGTH(4));

using Answer = std::array<char, 16384>;

/// The length of the answer. Throws std::system_error.
std::size_t ask(Request request, Answer& answer) {
  const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  request.header.nlmsg_len = sizeof request;
  request.link.ifi_index = 1;
  if (::send(socket.get(), &request, request.header.nlmsg_len, 0) < 0) {
    throw std::system_error(errno, std::generic_category(), "rtnetlink");
  }
  const auto size = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (size < 0) throw std::system_error(errno, std::generic_category(), "rtnetlink");
  return static_cast<std::size_t>(size);
}

/// What changing the loopback interface says; 0 or an errno.
int change_loopback(std::uint16_t type, std::uint16_t size, std::uint32_t value) {
  Request request;
  request.header.nlmsg_type = RTM_NEWLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.attribute = {.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(0) + size),
                       .rta_type = type};
  request.value = value;
  Answer answer;
  ask(request, answer);
  nlmsgerr error{};
  std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
  return -error.error;
}

/// What the loopback interface tells of itself, -1 for nothing.
int told_of_loopback() {
  Request request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.attribute = {.rta_len = RTA_LENGTH(4), .rta_type = IFLA_EXT_MASK};
  Answer answer;
  auto left = static_cast<int>(ask(request, answer) - NLMSG_HDRLEN - sizeof(ifinfomsg));
  const auto* next =
      reinterpret_cast<const rtattr*>(answer.data() + NLMSG_HDRLEN + sizeof(ifinfomsg));
  for (; RTA_OK(next, left); next = RTA_NEXT(next, left)) {
    if ((next->rta_type & NLA_TYPE_MASK) == ifla_netns_immutable) {
      return *static_cast<const std::uint8_t*>(RTA_DATA(next));
    }
  }
  return -1;
}

TEST(Rtnetlink, LoopbackStaysInItsNamespaceAndTellsSoSinceLinux615) {
  BEHAVIOUR("AP31");
  REQUIRES(own_netns);
  struct Seen {
    int told, moved, set;
    int still_there;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd file = other.open("ns/net");
    Seen answer{};
    answer.told = told_of_loopback();
    answer.moved = change_loopback(IFLA_NET_NS_FD, 4, static_cast<std::uint32_t>(file.get()));
    answer.set = change_loopback(ifla_netns_immutable, 1, 0);
    answer.still_there = told_of_loopback();
    return answer;
  });

  // "net: advertise netns_immutable property via netlink", Linux 6.15.
  const bool told = running_kernel() >= KernelVersion{6, 15};
  EXPECT_EQ(seen.told, told ? 1 : -1);
  EXPECT_EQ(seen.still_there, seen.told);
  // It is so on every kernel.
  EXPECT_EQ(seen.moved, EINVAL);
  // To be read, not set; before, one of those that nobody knows.
  EXPECT_EQ(seen.set, told ? EINVAL : 0);
}

}  // namespace
}  // namespace nsgate::test
