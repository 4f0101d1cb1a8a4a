// SPDX-License-Identifier: Apache-2.0
//
// What may be changed inside of a network namespace: its devices, by whoever has rights over its
// owner; its settings, where they are not the whole machine's.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/veth.h"

namespace nsgate::test {
namespace {

/// The errno of each, or 0.
struct Changes {
  int loopback_up;
  int new_device;
  friend bool operator==(const Changes&, const Changes&) = default;
};
void PrintTo(const Changes& changes, std::ostream* out) {
  *out << "loopback up: " << changes.loopback_up << ", new device: " << changes.new_device;
}

Changes change_devices() {
  return {.loopback_up = set_loopback_up(), .new_device = add_veth("near", "far")};
}

TEST(NetnsRights, NamespaceOfOnesOwnCanBeGivenDevices) {
  BEHAVIOUR("CP09");
  REQUIRES(own_netns);
  REQUIRES(veth);

  struct Seen {
    Changes changes;
    bool here;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const auto changes = in_netns(Target::process(other.pid()), change_devices);
    return Seen{changes.value_or(Changes{-1, -1}), ::if_nametoindex("near") != 0};
  });

  EXPECT_EQ(seen.changes, (Changes{0, 0}));
  EXPECT_FALSE(seen.here);
}

TEST(NetnsRights, ProgramMayChangeTheNamespaceOfTheUserNamespaceThatItJoined) {
  BEHAVIOUR("CP09");
  REQUIRES(userns);
  const UserScratch other;

  EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "up"}}),
              ExitsWith(0));
}

TEST(NetnsRights, AllCapabilitiesBelowTheOwnerAreNone) {
  BEHAVIOUR("CP09");
  REQUIRES(userns);
  REQUIRES(veth);
  struct Seen {
    int prepared;
    Changes others, own;
  };

  const auto seen = answer_of_owner([] {
    Seen answer{};
    // A child of the user namespace that owns the network namespace, with every capability there.
    answer.prepared = unshare_mapped(CLONE_NEWUSER);
    answer.others = change_devices();
    if (answer.prepared == 0) answer.prepared = unshare_mapped(CLONE_NEWNET);
    answer.own = change_devices();
    return answer;
  });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.others, (Changes{EPERM, EPERM}));
  EXPECT_EQ(seen.own, (Changes{0, 0}));
}

/// The errno of opening a setting for reading, and for writing.
struct Access {
  int read;
  int write;
  friend bool operator==(const Access&, const Access&) = default;
};
void PrintTo(const Access& access, std::ostream* out) {
  *out << "read: " << access.read << ", write: " << access.write;
}

Access access_to(const char* setting) {
  const auto path = std::string("/proc/sys/net/") + setting;
  return {.read = error_of(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))),
          .write = error_of(Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)))};
}

constexpr Access absent{ENOENT, ENOENT};
constexpr Access read_only{0, EACCES};
constexpr Access writable{0, 0};

/// Of a closure in a fresh namespace.
Access access_inside(const char* setting) {
  return answer_of_owner([setting] {
    const ScratchNetns other;
    const auto access =
        in_netns(Target::process(other.pid()), [setting] { return access_to(setting); });
    return access.value_or(Access{-1, -1});
  });
}

TEST(NetnsSettings, ThoseOfTheMachineAreAbsentOrReadOnlyInside) {
  BEHAVIOUR("CP10");
  REQUIRES(own_netns);
  // Measured: Debian 6.1.192 and 6.12.117.
  for (const auto* size : {"core/rmem_max", "core/wmem_max", "core/rmem_default"}) {
    SCOPED_TRACE(size);
    EXPECT_EQ(access_to(size).read, 0);
    EXPECT_EQ(access_inside(size),
              on_this_kernel<Access>({{{0, 0}, absent}, {{6, 12}, read_only}}));
  }
  EXPECT_EQ(access_inside("core/optmem_max"),
            on_this_kernel<Access>({{{0, 0}, absent}, {{6, 12}, writable}}));
  for (const auto* setting :
       {"core/netdev_max_backlog", "ipv4/tcp_mem", "ipv4/udp_mem", "ipv4/tcp_max_orphans"}) {
    SCOPED_TRACE(setting);
    EXPECT_EQ(access_to(setting).read, 0);
    EXPECT_EQ(access_inside(setting), absent);
  }
  for (const auto* setting : {"ipv4/ip_local_port_range", "ipv4/tcp_rmem"}) {
    SCOPED_TRACE(setting);
    EXPECT_EQ(access_inside(setting), writable);
  }
}

// Not core/somaxconn: up to Linux 6.1 a namespace that a user owns has none of core/.
constexpr auto own_setting = "/proc/sys/net/ipv4/tcp_fin_timeout";

int value_here() {
  int value = -1;
  std::ifstream(own_setting) >> value;
  return value;
}

TEST(NetnsSettings, OthersAreEachNamespacesOwn) {
  BEHAVIOUR("CP10");
  REQUIRES(own_netns);
  struct Seen {
    int before, inside, beside, after;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns changed;
    const ScratchNetns other;
    Seen answer{};
    answer.before = value_here();
    const auto inside = in_netns(Target::process(changed.pid()), [] {
      std::ofstream(own_setting) << "77\n";
      return value_here();
    });
    answer.inside = inside.value_or(-1);
    answer.beside = in_netns(Target::process(other.pid()), value_here).value_or(-1);
    answer.after = value_here();
    return answer;
  });

  EXPECT_NE(seen.before, 77);
  EXPECT_EQ(seen.inside, 77);
  EXPECT_EQ(seen.beside, seen.before);
  EXPECT_EQ(seen.after, seen.before);
}

}  // namespace
}  // namespace nsgate::test
