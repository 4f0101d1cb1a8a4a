// SPDX-License-Identifier: Apache-2.0
//
// A descriptor of /dev/net/tun belongs to the network namespace where it was opened.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

Fd open_tun() { return Fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)); }

bool probe_tun() { return static_cast<bool>(open_tun()); }
const Requirement tun{"tun", "/dev/net/tun, and free to open it", &probe_tun};

constexpr auto device = "nsgate0";

/// 0 or an errno.
int make_device(const Fd& tun_file) {
  ifreq request{};
  std::strcpy(request.ifr_name, device);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  return ::ioctl(tun_file.get(), TUNSETIFF, &request) == 0 ? 0 : errno;
}

bool device_is_here() { return ::if_nametoindex(device) != 0; }

struct Seen {
  int made;
  bool at_caller;
  bool at_target;
};

using Open = Fd (*)(const Target& target);
using Make = int (*)(const Target& target, const Fd& tun_file);

/// Where the device is, as long as the file is open: with the caller or with the target.
Seen where_it_is(Open open, Make make) {
  return answer_of_owner([=] {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    const Fd file = open(target);
    Seen seen{};
    seen.made = make(target, file);
    seen.at_caller = device_is_here();
    seen.at_target = in_netns(target, device_is_here).value_or(false);
    return seen;
  });
}

TEST(InNetns, TunMakesItsDeviceWhereItWasOpened) {
  BEHAVIOUR("TH23");
  REQUIRES(root);
  REQUIRES(tun);

  const auto opened_outside =
      where_it_is([](const Target&) { return open_tun(); },
                  [](const Target& target, const Fd& file) {
                    return in_netns(target, [&] { return make_device(file); }).value_or(-1);
                  });
  const auto opened_inside =
      where_it_is([](const Target& target) { return in_netns(target, open_tun).value_or(Fd()); },
                  [](const Target&, const Fd& file) { return make_device(file); });

  EXPECT_EQ(opened_outside.made, 0);
  EXPECT_TRUE(opened_outside.at_caller);
  EXPECT_FALSE(opened_outside.at_target);
  EXPECT_EQ(opened_inside.made, 0);
  EXPECT_FALSE(opened_inside.at_caller);
  EXPECT_TRUE(opened_inside.at_target);
}

// tun_set_iff in drivers/net/tun.c asks about the namespace of the descriptor, not of the thread.
TEST(InNetns, TunNeedsRightsWhereItWasOpened) {
  BEHAVIOUR("TH23");
  REQUIRES(root);
  REQUIRES(userns);
  REQUIRES(tun);
  struct Errors {
    int prepared, outside_file, own_file;
  };

  const auto errors = answer_of_owner([] {
    const Fd outside = open_tun();
    Errors answer{};
    // All capabilities over the new namespace, none over the one that was left.
    answer.prepared = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
    const Fd own = open_tun();
    answer.outside_file = make_device(outside);
    answer.own_file = make_device(own);
    return answer;
  });

  ASSERT_EQ(errors.prepared, 0);
  EXPECT_EQ(errors.outside_file, EPERM);
  EXPECT_EQ(errors.own_file, 0);
}

}  // namespace
}  // namespace nsgate::test
