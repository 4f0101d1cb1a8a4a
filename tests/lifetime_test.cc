// SPDX-License-Identifier: Apache-2.0
//
// What core can still enter, and what it leaves behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

NamespaceId id_inside(const Target& target) {
  return in_netns(target, current_netns).value_or(NamespaceId{});
}

TEST(Netns, OpenDescriptorIsEnteredAfterTheLastProcess) {
  BEHAVIOUR("LT01");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId id, inside;
    std::array<Ended, 2> by_pid, by_descriptor;
  };

  const auto seen = answer_of_owner([] {
    ScratchNetns other;
    const pid_t pid = other.pid();
    const Fd netns = other.open("ns/net");
    const auto target = Target::descriptor(netns.get());
    other.reap();
    return Seen{.id = id_of(netns),
                .inside = id_inside(target),
                .by_pid = enter_both_ways(Target::process(pid)),
                .by_descriptor = enter_both_ways(target)};
  });

  EXPECT_THAT(seen.by_pid, Each(refused(Stage::open, ESRCH)));
  EXPECT_THAT(seen.by_descriptor, Each(exited(0)));
  EXPECT_EQ(seen.inside, seen.id);
}

TEST(ExecInUserNetns, OpenDescriptorsAreEnteredAfterTheLastProcess) {
  BEHAVIOUR("LT01");
  REQUIRES(userns);
  UserScratch other;
  const Fd user = other.open("ns/user");
  const Fd net = other.open("ns/net");
  other.reap();

  const auto result =
      exec_in_user_netns(UserTarget::descriptors({.user = user.get(), .net = net.get()}),
                         {.argv = {helper(), "netns"}});

  ASSERT_THAT(result, ExitsWith(0));
  EXPECT_EQ(result->out, ::testing::PrintToString(id_of(net)) + "\n");
}

TEST(Netns, MountedNameIsEnteredAfterTheLastProcess) {
  BEHAVIOUR("LT02");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId id, inside;
    std::array<Ended, 2> both_ways;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    ScratchNetns other;
    const auto id = other.id();
    const NamedNetns blue("blue", other.open("ns/net"));
    other.reap();
    const auto target = Target::path(blue.path());
    return Seen{id, id_inside(target), enter_both_ways(target)};
  });

  EXPECT_EQ(seen.inside, seen.id);
  EXPECT_THAT(seen.both_ways, Each(exited(0)));
}

TEST(Netns, DescriptorOpenedByPathOnlyIsEnteredOnceItIsReopened) {
  BEHAVIOUR("LT05 TR03");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId id, inside;
    std::array<Ended, 2> itself, reopened;
  };

  const auto seen = answer_of_owner([] {
    ScratchNetns other;
    const auto id = other.id();
    const auto file = "/proc/" + std::to_string(other.pid()) + "/ns/net";
    const Fd by_path(::open(file.c_str(), O_PATH | O_CLOEXEC));
    other.reap();
    const auto reopened = Target::path("/proc/self/fd/" + std::to_string(by_path.get()));
    return Seen{.id = id,
                .inside = id_inside(reopened),
                .itself = enter_both_ways(Target::descriptor(by_path.get())),
                .reopened = enter_both_ways(reopened)};
  });

  EXPECT_THAT(seen.itself, Each(refused(Stage::open, EBADF)));
  EXPECT_THAT(seen.reopened, Each(exited(0)));
  EXPECT_EQ(seen.inside, seen.id);
}

TEST(Netns, EndsByItselfAfterItsLastProcess) {
  BEHAVIOUR("LT08");
  REQUIRES(own_netns);
  using Clock = std::chrono::steady_clock;
  struct Seen {
    bool alive_before, alive_after, ended;
    std::chrono::microseconds until_end;
  };

  const auto seen = answer_of_owner([] {
    ScratchNetns other;
    const NetnsWatch watch(other.open("ns/net"));
    const bool alive_before = watch.alive();
    other.reap();
    const auto reaped = Clock::now();
    const bool alive_after = watch.alive();
    const bool ended = watch.sees_end();
    return Seen{alive_before, alive_after, ended,
                std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - reaped)};
  });

  EXPECT_TRUE(seen.alive_before);
  EXPECT_FALSE(seen.alive_after);
  EXPECT_TRUE(seen.ended);
  RecordProperty("microseconds_until_end", std::to_string(seen.until_end.count()));
}

std::string mounts() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Netns, ManyEntriesLeaveNothingBehind) {
  BEHAVIOUR("LT16");
  REQUIRES(own_netns);
  struct Seen {
    int entered;
    bool same_descriptors, same_mounts, ended;
  };

  const auto seen = answer_of_owner([] {
    ScratchNetns other;
    const NetnsWatch watch(other.open("ns/net"));
    const auto target = Target::process(other.pid());
    const OpenFds fds_before;
    const auto mounts_before = mounts();
    Seen answer{};
    for (int round = 0; round < 200; ++round) answer.entered += in_netns(target, [] {}).has_value();
    for (int round = 0; round < 20; ++round) {
      const auto ended = enter_both_ways(target);
      answer.entered += ended == std::array{exited(0), exited(0)};
      // And those that are refused inside: the child has joined when it cannot execute.
      (void)exec_in_netns(target, {.argv = {"/no/such/program"}});
      (void)in_netns(target, []() -> Result<void> { return std::unexpected(Error{}); });
    }
    answer.same_descriptors = OpenFds() == fds_before;
    answer.same_mounts = mounts() == mounts_before;
    // A descriptor, thread or process left inside would keep the namespace alive.
    other.reap();
    answer.ended = watch.sees_end();
    return answer;
  });

  EXPECT_EQ(seen.entered, 220);
  EXPECT_TRUE(seen.same_descriptors);
  EXPECT_TRUE(seen.same_mounts);
  EXPECT_TRUE(seen.ended);
}

}  // namespace
}  // namespace nsgate::test
