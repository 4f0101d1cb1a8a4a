// SPDX-License-Identifier: Apache-2.0
#include "support/loopback.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "nsgate/fd.h"

namespace nsgate::test {
namespace {

void copy_name(std::string_view name, char (&to)[IFNAMSIZ]) {
  to[name.copy(to, IFNAMSIZ - 1)] = '\0';
}

int apply(unsigned long request, ifreq change) {
  copy_name("lo", change.ifr_name);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && ::ioctl(socket.get(), request, &change) == 0 ? 0 : errno;
}

}  // namespace

int set_loopback_up() {
  ifreq change{};
  change.ifr_flags = IFF_UP;
  return apply(SIOCSIFFLAGS, change);
}

int rename_loopback(const char* name) {
  ifreq change{};
  copy_name(name, change.ifr_newname);
  return apply(SIOCSIFNAME, change);
}

}  // namespace nsgate::test
