// SPDX-License-Identifier: Apache-2.0
#include "support/netns_watch.h"

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>

namespace nsgate::test {
namespace {

constexpr int deadline_ms = 30'000;
constexpr std::uint32_t nsid_group = 1u << (RTNLGRP_NSID - 1);
using Buffer = std::array<char, 16384>;

struct Attribute {
  std::uint16_t size = sizeof(Attribute);
  std::uint16_t type;
  std::int32_t value;
};
static_assert(sizeof(Attribute) == NLA_HDRLEN + sizeof(std::int32_t));

template <typename Body, std::size_t count>
struct Request {
  nlmsghdr header;
  Body body;
  std::array<Attribute, count> attributes;
};

/// rtgenmsg, padded as NLMSG_ALIGN asks for.
struct AnyFamily {
  std::uint32_t family = AF_UNSPEC;
};

[[noreturn]] void throw_errno(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A socket that receives the answers to its requests and what is told to these groups.
Fd open_route_socket(std::uint32_t groups) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  // Only a bound socket is told anything.
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw_errno(errno, "a route socket");
  }
  return fd;
}

std::span<const char> receive(const Fd& socket, Buffer& buffer) {
  const auto n = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
  if (n < static_cast<ssize_t>(sizeof(nlmsghdr))) throw_errno(n < 0 ? errno : EIO, "rtnetlink");
  return {buffer.data(), static_cast<std::size_t>(n)};
}

template <typename T>
T read_at(std::span<const char> bytes, std::size_t offset) {
  T value{};
  if (offset + sizeof value > bytes.size()) throw_errno(EBADMSG, "a short rtnetlink message");
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// The first answer: a message, or 0 or the errno of the request as NLMSG_ERROR carries it.
template <typename Body, std::size_t count>
std::span<const char> ask(const Fd& socket, std::uint16_t type, const Body& body,
                          const std::array<Attribute, count>& attributes, Buffer& buffer) {
  using Whole = Request<Body, count>;
  static_assert(sizeof(Whole) == NLMSG_HDRLEN + sizeof(Body) + count * sizeof(Attribute));
  Whole request{.header = {}, .body = body, .attributes = attributes};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  if (type == RTM_NEWNSID) request.header.nlmsg_flags |= NLM_F_ACK;
  if (::send(socket.get(), &request, sizeof request, 0) < 0) throw_errno(errno, "rtnetlink");
  return receive(socket, buffer);
}

/// 0 when the answer is a message or an acknowledgement.
int error_of(std::span<const char> answer) {
  if (read_at<nlmsghdr>(answer, 0).nlmsg_type != NLMSG_ERROR) return 0;
  return -read_at<nlmsgerr>(answer, NLMSG_HDRLEN).error;
}

/// The NETNSA_NSID of an RTM_NEWNSID or RTM_DELNSID, which is its first attribute.
int id_in(std::span<const char> message) {
  const auto attribute = read_at<Attribute>(message, NLMSG_HDRLEN + sizeof(AnyFamily));
  if (attribute.type != NETNSA_NSID) throw_errno(EBADMSG, "an rtnetlink message without id");
  return attribute.value;
}

}  // namespace

// The socket for the end exists before there is an id, so that the end cannot be missed.
NetnsWatch::NetnsWatch(const Fd& netns)
    : requests_(open_route_socket(0)), events_(open_route_socket(nsid_group)), id_(-1) {
  const Attribute descriptor{.type = NETNSA_FD, .value = netns.get()};
  const Attribute any_id{.type = NETNSA_NSID, .value = -1};
  Buffer buffer;
  const auto made =
      ask(requests_, RTM_NEWNSID, AnyFamily{}, std::array{any_id, descriptor}, buffer);
  if (const int error = error_of(made); error != 0) throw_errno(error, "RTM_NEWNSID");
  const auto told = ask(requests_, RTM_GETNSID, AnyFamily{}, std::array{descriptor}, buffer);
  if (const int error = error_of(told); error != 0) throw_errno(error, "RTM_GETNSID");
  id_ = id_in(told);
}

bool NetnsWatch::alive() const {
  // Asks for the loopback interface, which every namespace has. The kernel takes a reference to
  // answer, which only a living namespace gives (get_net_ns_by_id, EINVAL).
  ifinfomsg loopback{};
  loopback.ifi_index = 1;
  Buffer buffer;
  const auto answer = ask(requests_, RTM_GETLINK, loopback,
                          std::array{Attribute{.type = IFLA_TARGET_NETNSID, .value = id_}}, buffer);
  const int error = error_of(answer);
  if (error != 0 && error != EINVAL) throw_errno(error, "RTM_GETLINK");
  return error == 0;
}

bool NetnsWatch::sees_end() const {
  Buffer buffer;
  pollfd event{events_.get(), POLLIN, 0};
  while (::poll(&event, 1, deadline_ms) > 0) {
    const auto message = receive(events_, buffer);
    if (read_at<nlmsghdr>(message, 0).nlmsg_type == RTM_DELNSID && id_in(message) == id_) {
      return true;
    }
  }
  return false;
}

}  // namespace nsgate::test
