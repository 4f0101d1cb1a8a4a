// SPDX-License-Identifier: Apache-2.0
//
// Entering from inside, entering again, and what a fresh namespace lacks.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::Field;

TEST(InNetns, NestsInItself) {
  BEHAVIOUR("NC01");
  REQUIRES(root);
  const ScratchNetns outer;
  const ScratchNetns inner;
  const auto before = current_netns();
  struct Seen {
    Result<NamespaceId> inside;
    NamespaceId afterwards;
  };

  const auto seen = in_netns(Target::process(outer.pid()), [&] {
    auto inside = in_netns(Target::process(inner.pid()), current_netns);
    return Seen{inside, current_netns()};
  });

  ASSERT_THAT(seen, IsOk());
  EXPECT_THAT(seen->inside, IsOkAndHolds(inner.id()));
  EXPECT_EQ(seen->afterwards, outer.id());
  EXPECT_EQ(current_netns(), before);
}

TEST(InNetns, LeadsHomeFromInside) {
  BEHAVIOUR("NC02");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd home(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const auto target = Target::process(other.pid());
  const auto seen_from_inside = [&](const Target& inner) {
    return in_netns(target, [&] { return in_netns(inner, current_netns); });
  };

  EXPECT_THAT(seen_from_inside(Target::descriptor(home.get())), IsOkAndHolds(current_netns()));
  EXPECT_THAT(seen_from_inside(Target::path("/proc/self/ns/net")), IsOkAndHolds(current_netns()));
  EXPECT_THAT(seen_from_inside(Target::path("/proc/thread-self/ns/net")), IsOkAndHolds(other.id()));
}

TEST(ExecInNetns, EntersAnotherNamespaceFromInsideOfOne) {
  BEHAVIOUR("NC03");
  REQUIRES(root);
  const ScratchNetns outer;
  const ScratchNetns inner;
  const Command netns{.argv = {helper(), "netns"}};

  const auto finished = in_netns(Target::process(outer.pid()), [&] {
    return exec_in_netns(Target::process(inner.pid()), netns);
  });

  EXPECT_THAT(finished,
              IsOkAndHolds(Field(&Finished::out, ::testing::PrintToString(inner.id()) + '\n')));
}

TEST(InNetns, TargetCanBeUsedAgain) {
  BEHAVIOUR("NC06");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd fd = other.open("ns/net");

  for (const auto& target : {Target::process(other.pid()), Target::descriptor(fd.get())}) {
    EXPECT_THAT(in_netns(target, current_netns), IsOkAndHolds(other.id()));
    EXPECT_THAT(in_netns(target, current_netns), IsOkAndHolds(other.id()));
    EXPECT_THAT(exec_in_netns(target, {.argv = {helper(), "netns"}}), ExitsWith(0));
  }
}

/// Whether 127.0.0.1 can be reached: 0 or the errno of connect.
int connect_to_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.get(), generic, sizeof address) == 0 ? 0 : errno;
}

TEST(InNetns, FreshNamespaceHasItsLoopbackDown) {
  BEHAVIOUR("NC09");
  REQUIRES(own_netns);
  struct Errors {
    int home;
    int fresh;
    int setting_up;
    int up;
  };

  const auto errors = answer_of_owner([]() -> Errors {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    set_loopback_up();
    return {.home = connect_to_loopback(),
            .fresh = in_netns(target, connect_to_loopback).value_or(-1),
            .setting_up = in_netns(target, set_loopback_up).value_or(-1),
            .up = in_netns(target, connect_to_loopback).value_or(-1)};
  });

  EXPECT_EQ(errors.home, 0);
  EXPECT_EQ(errors.fresh, ENETUNREACH);
  EXPECT_EQ(errors.setting_up, 0);
  EXPECT_EQ(errors.up, 0);
}

}  // namespace
}  // namespace nsgate::test
