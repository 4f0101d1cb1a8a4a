// SPDX-License-Identifier: Apache-2.0
#include "support/socket_netns.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace nsgate::test {

NamespaceId netns_of_socket(const Fd& socket) {
  const Fd netns(::ioctl(socket.get(), SIOCGSKNS));
  if (!netns) throw std::system_error(errno, std::generic_category(), "SIOCGSKNS");
  return id_of(netns);
}

std::expected<std::uint64_t, int> cookie_of_socket(const Fd& socket) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) {
    return std::unexpected(errno);
  }
  return cookie;
}

}  // namespace nsgate::test
