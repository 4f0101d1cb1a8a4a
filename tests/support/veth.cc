// SPDX-License-Identifier: Apache-2.0
#include "support/veth.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "support/either_user.h"

namespace nsgate::test {
namespace {

template <typename T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string attribute(std::uint16_t type, const std::string& value) {
  const rtattr header{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size())),
                      .rta_type = type};
  std::string bytes = bytes_of(header) + value;
  bytes.resize(RTA_ALIGN(bytes.size()));
  return bytes;
}

std::string named(const char* name) { return attribute(IFLA_IFNAME, std::string(name) + '\0'); }

bool probe_veth() {
  // What the kernel has never heard of is EOPNOTSUPP (rtnl_newlink in net/core/rtnetlink.c).
  return answer_of_child([] {
           const int error = unshare_own();
           return error != 0 ? error : add_veth("near", "far");
         }) != EOPNOTSUPP;
}

}  // namespace

const Requirement veth{"veth", "a kernel with virtual Ethernet interfaces", &probe_veth};

int add_veth(const char* near, const char* far, const Fd& far_netns) {
  std::string peer = bytes_of(ifinfomsg{}) + named(far);
  if (far_netns) peer += attribute(IFLA_NET_NS_FD, bytes_of(far_netns.get()));
  const std::string body =
      bytes_of(ifinfomsg{}) + named(near) +
      attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, "veth") +
                                   attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, peer)));
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(body.size()));
  header.nlmsg_type = RTM_NEWLINK;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  const std::string request = bytes_of(header) + body;

  const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket || ::send(socket.get(), request.data(), request.size(), 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  if (::recv(socket.get(), answer.data(), answer.size(), 0) < 0) return errno;
  nlmsgerr told{};
  std::memcpy(&told, answer.data() + NLMSG_HDRLEN, sizeof told);
  return -told.error;
}

}  // namespace nsgate::test
