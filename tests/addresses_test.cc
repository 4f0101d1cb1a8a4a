// SPDX-License-Identifier: Apache-2.0
//
// What libc says of addresses is about the namespace of the thread that asks.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

constexpr auto documentation_address = "192.0.2.7";  // RFC 5737: nobody's

/// Gives the loopback interface an address that is not 127.0.0.1, which AI_ADDRCONFIG would not
/// count (getaddrinfo(3)). Returns 0 or an errno.
int give_address() {
  ifreq change{};
  std::strcpy(change.ifr_name, "lo");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, documentation_address, &address.sin_addr);
  std::memcpy(&change.ifr_addr, &address, sizeof address);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && ::ioctl(socket.get(), SIOCSIFADDR, &change) == 0 ? 0 : errno;
}

/// A process in a network namespace that has an address, unlike that of who makes it.
class AddressedNetns : public ParkedProcess {
 public:
  AddressedNetns()
      : ParkedProcess([] {
          const int error = unshare_mapped(CLONE_NEWNET);
          return error != 0 ? error : give_address();
        }) {}
};

bool getifaddrs_tells_it() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return false;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> addresses(first, &::freeifaddrs);
  in_addr expected{};
  ::inet_pton(AF_INET, documentation_address, &expected);
  for (const auto* each = addresses.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    sockaddr_in address{};
    std::memcpy(&address, each->ifa_addr, sizeof address);
    if (address.sin_addr.s_addr == expected.s_addr) return true;
  }
  return false;
}

/// What getaddrinfo(3) makes of a numeric host, for which it needs no name service, where only
/// configured families count.
int getaddrinfo_error() {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(documentation_address, nullptr, &hints, &found);
  if (error == 0) ::freeaddrinfo(found);
  return error;
}

struct Seen {
  bool listed;
  int lookup;
  friend bool operator==(const Seen&, const Seen&) = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "listed: " << seen.listed << ", getaddrinfo: " << ::gai_strerror(seen.lookup);
}

Seen look() { return {.listed = getifaddrs_tells_it(), .lookup = getaddrinfo_error()}; }

TEST(InNetns, LibcTellsTheAddressesOfTheTarget) {
  BEHAVIOUR("TH20");
  REQUIRES(own_netns);
  struct All {
    Seen before, inside, after, inside_again;
  };

  const auto seen = answer_of_owner([] {
    const AddressedNetns other;
    const auto target = Target::process(other.pid());
    All all{};
    all.before = look();
    all.inside = in_netns(target, look).value_or(Seen{});
    all.after = look();
    all.inside_again = in_netns(target, look).value_or(Seen{});
    return all;
  });

  // getaddrinfo(3): no address of the family is configured.
  const Seen none{false, EAI_NONAME};
  EXPECT_EQ(seen.before, none);
  EXPECT_EQ(seen.inside, (Seen{true, 0}));
  // glibc keeps what it knows of interfaces for later calls only while nscd tells it of changes.
  EXPECT_EQ(seen.after, none);
  EXPECT_EQ(seen.inside_again, (Seen{true, 0}));
}

}  // namespace
}  // namespace nsgate::test
