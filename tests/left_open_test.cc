// SPDX-License-Identifier: Apache-2.0
//
// Nothing of a call stays open in the target, where it would keep the namespace alive (moby#32090:
// a netlink socket of each call).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

struct Seen {
  bool same_descriptors;
  bool ended;
};

/// For a child: acts on a namespace, and looks at what is left of that.
Seen act_on_netns(const std::function<void(const Target&)>& act) {
  ScratchNetns other;
  const NetnsWatch watch(other.open("ns/net"));
  const OpenFds before;
  act(Target::process(other.pid()));
  const bool same_descriptors = OpenFds() == before;
  other.reap();
  return {same_descriptors, watch.sees_end()};
}

void expect_nothing_left(const std::function<void(const Target&)>& act) {
  const auto seen = answer_of_owner([&] { return act_on_netns(act); });
  EXPECT_TRUE(seen.same_descriptors);
  EXPECT_TRUE(seen.ended);
}

TEST(InNetns, LeavesNoSocketInTheTarget) {
  BEHAVIOUR("FD11");
  REQUIRES(own_netns);
  // By what libc opens for a moment.
  const auto ask_libc = [] {
    ::if_freenameindex(::if_nameindex());
    ifaddrs* addresses = nullptr;
    if (::getifaddrs(&addresses) == 0) ::freeifaddrs(addresses);
  };

  expect_nothing_left([&](const Target& target) { (void)in_netns(target, ask_libc); });
  expect_nothing_left([&](const Target& target) {
    try {
      (void)in_netns(target, [&] {
        ask_libc();
        throw std::runtime_error("after all");
      });
    } catch (const std::runtime_error&) {
    }
  });
  expect_nothing_left([&](const Target& target) {
    (void)in_netns(target, [&] {
      ask_libc();
      ::pthread_exit(nullptr);
    });
  });
}

TEST(Resident, LeavesNoSocketInTheTarget) {
  BEHAVIOUR("FD11");
  REQUIRES(own_netns);

  expect_nothing_left([](const Target& target) {
    auto resident = Resident::open(target);
    (void)resident->run([] { ::if_freenameindex(::if_nameindex()); });
  });
}

TEST(ExecInNetns, LeavesNoSocketInTheTarget) {
  BEHAVIOUR("FD11");
  REQUIRES(own_netns);

  for (const std::string& program : {helper(), std::string("/no/such/program")}) {
    SCOPED_TRACE(program);
    expect_nothing_left([&](const Target& target) {
      (void)exec_in_netns(target, {.argv = {program, "links"}});
    });
  }
}

// What the tests above would see of a call that leaves one.
TEST(InNetns, SocketThatTheClosureLeavesOpenPinsTheTarget) {
  BEHAVIOUR("FD11");
  REQUIRES(own_netns);
  struct Pinned {
    bool made, same_descriptors, alive, ended;
  };

  const auto seen = answer_of_owner([] {
    ScratchNetns other;
    const NetnsWatch watch(other.open("ns/net"));
    const OpenFds before;
    Fd left;
    (void)in_netns(Target::process(other.pid()), [&] {
      left = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    });
    Pinned answer{};
    answer.made = static_cast<bool>(left);
    answer.same_descriptors = OpenFds() == before;
    other.reap();
    answer.alive = watch.alive();
    left.reset();
    answer.ended = watch.sees_end();
    return answer;
  });

  ASSERT_TRUE(seen.made);
  EXPECT_FALSE(seen.same_descriptors);
  EXPECT_TRUE(seen.alive);
  EXPECT_TRUE(seen.ended);
}

}  // namespace
}  // namespace nsgate::test
