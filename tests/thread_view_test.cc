// SPDX-License-Identifier: Apache-2.0
//
// What a worker sees of its namespace through /proc, /sys and interface names, and what it sees of
// the main thread's instead. The target's loopback has another name, so that the two differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// A process in a network namespace of its own whose loopback is called "blue".
class BlueNetns : public ParkedProcess {
 public:
  BlueNetns()
      : ParkedProcess([] {
          if (const int error = unshare_mapped(CLONE_NEWNET); error != 0) return error;
          return rename_loopback("blue");
        }) {}
  Target target() const { return Target::process(pid()); }
};

bool lists_blue(const char* file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str().find("blue:") != std::string::npos;
}

bool sysfs_has_blue() { return std::filesystem::exists("/sys/class/net/blue"); }

constexpr auto ttl_file = "/proc/sys/net/ipv4/ip_default_ttl";

int default_ttl() {
  int ttl = -1;
  std::ifstream(ttl_file) >> ttl;
  return ttl;
}

TEST(InNetns, ProcNetShowsTheMainThreadsNamespace) {
  BEHAVIOUR("TH03");
  REQUIRES(root);
  const BlueNetns other;

  EXPECT_THAT(in_netns(other.target(), [] { return lists_blue("/proc/net/dev"); }),
              IsOkAndHolds(false));
  EXPECT_THAT(in_netns(other.target(), [] { return lists_blue("/proc/self/net/dev"); }),
              IsOkAndHolds(false));
  EXPECT_THAT(in_netns(other.target(), [] { return lists_blue("/proc/thread-self/net/dev"); }),
              IsOkAndHolds(true));
}

TEST(InNetns, ProcSysNetFollowsTheThread) {
  BEHAVIOUR("TH03");
  REQUIRES(own_netns);
  struct Seen {
    int before;
    int inside;
    int after;
    int inside_again;
  };

  // In a namespace of the test's own, so that not even a broken core changes the machine's.
  const auto seen = answer_of_owner([]() -> Seen {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    const int before = default_ttl();
    const auto inside = in_netns(target, [] {
      std::ofstream(ttl_file) << "77\n";
      return default_ttl();
    });
    const int after = default_ttl();
    return {before, inside.value_or(-1), after, in_netns(target, default_ttl).value_or(-1)};
  });

  EXPECT_NE(seen.before, 77);
  EXPECT_EQ(seen.inside, 77);
  EXPECT_EQ(seen.after, seen.before);
  EXPECT_EQ(seen.inside_again, 77);
}

TEST(InNetns, SysfsShowsTheNamespaceOfWhoMountedIt) {
  BEHAVIOUR("TH04");
  REQUIRES(root);
  REQUIRES(mounts);
  const BlueNetns other;
  struct Seen {
    bool before_mount;
    int error;
    bool after_mount;
  };

  const auto seen = in_netns(other.target(), []() -> Seen {
    const bool before_mount = sysfs_has_blue();
    // A mount namespace that ends with the worker and tells nobody about its mounts.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0) {
      return {before_mount, errno, false};
    }
    return {before_mount, 0, sysfs_has_blue()};
  });

  ASSERT_THAT(seen, IsOk());
  EXPECT_FALSE(seen->before_mount);
  EXPECT_EQ(seen->error, 0);
  EXPECT_TRUE(seen->after_mount);
  EXPECT_FALSE(sysfs_has_blue());
}

/// SIOCGIFINDEX on this socket: the index, or minus the errno.
int index_by_socket(const Fd& socket, const char* name) {
  ifreq query{};
  std::strncpy(query.ifr_name, name, IFNAMSIZ - 1);
  return ::ioctl(socket.get(), SIOCGIFINDEX, &query) == 0 ? query.ifr_ifindex : -errno;
}

Fd udp_socket() { return Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

TEST(InNetns, InterfaceNamesFollowTheThread) {
  BEHAVIOUR("TH21");
  REQUIRES(root);
  const BlueNetns other;

  EXPECT_THAT(in_netns(other.target(), [] { return ::if_nametoindex("blue"); }), IsOkAndHolds(1u));
  EXPECT_THAT(in_netns(other.target(), [] { return ::if_nametoindex("lo"); }), IsOkAndHolds(0u));
  EXPECT_EQ(::if_nametoindex("blue"), 0u);
  EXPECT_EQ(::if_nametoindex("lo"), 1u);
}

TEST(InNetns, InterfaceNamesGivenToASocketFollowTheSocket) {
  BEHAVIOUR("TH21 SK07");
  REQUIRES(root);
  const BlueNetns other;
  const Fd of_caller = udp_socket();

  const auto of_worker = in_netns(other.target(), udp_socket);
  ASSERT_THAT(of_worker, IsOk());

  EXPECT_EQ(index_by_socket(*of_worker, "blue"), 1);
  EXPECT_EQ(index_by_socket(*of_worker, "lo"), -ENODEV);
  EXPECT_THAT(in_netns(other.target(), [&] { return index_by_socket(of_caller, "blue"); }),
              IsOkAndHolds(-ENODEV));
  EXPECT_THAT(in_netns(other.target(), [&] { return index_by_socket(of_caller, "lo"); }),
              IsOkAndHolds(1));
}

int bind_to_device(const Fd& socket, const std::string& name) {
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, name.data(),
                      static_cast<socklen_t>(name.size())) == 0
             ? 0
             : errno;
}

TEST(InNetns, DeviceToBindToIsLookedUpInTheNamespaceOfTheSocket) {
  BEHAVIOUR("SK10");
  REQUIRES(root);
  const BlueNetns other;
  const Fd of_caller = udp_socket();

  const auto of_worker = in_netns(other.target(), udp_socket);
  ASSERT_THAT(of_worker, IsOk());

  EXPECT_EQ(bind_to_device(*of_worker, "lo"), ENODEV);
  EXPECT_EQ(bind_to_device(*of_worker, "blue"), 0);
  EXPECT_THAT(in_netns(other.target(), [&] { return bind_to_device(of_caller, "blue"); }),
              IsOkAndHolds(ENODEV));
}

}  // namespace
}  // namespace nsgate::test
