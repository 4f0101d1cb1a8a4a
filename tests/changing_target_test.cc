// SPDX-License-Identifier: Apache-2.0
//
// Targets that change while they are entered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <optional>

#include "nsgate/in_netns.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::AnyOf;
using ::testing::Each;

NamespaceId id_inside(const Target& target) {
  return in_netns(target, current_netns).value_or(NamespaceId{});
}

TEST(Netns, EnteringAProcessThatDiesMeanwhileSucceedsOrIsRefusedAtOpen) {
  BEHAVIOUR("LT09");
  REQUIRES(own_netns);
  constexpr int rounds = 50;
  using Seen = std::array<Ended, rounds>;

  const auto seen = answer_of_owner([] {
    Seen answer{};
    for (int round = 0; round < rounds; ++round) {
      const ScratchNetns dying;
      ::kill(dying.pid(), SIGKILL);
      answer[static_cast<std::size_t>(round)] =
          enter_both_ways(Target::process(dying.pid()))[static_cast<std::size_t>(round % 2)];
    }
    return answer;
  });

  // A zombie is told by its pidfd since Linux 6.11, and before that by /proc.
  const int zombie = on_this_kernel<int>({{{0, 0}, ENOENT}, {{6, 11}, ESRCH}});
  EXPECT_THAT(seen, Each(AnyOf(exited(0), refused(Stage::open, zombie))));
}

TEST(Setns, PidfdOfAProcessThatDiesMeanwhileJoinsOrIsEsrch) {
  BEHAVIOUR("LT10");
  REQUIRES(own_netns);
  constexpr std::size_t rounds = 50;

  const auto errors = answer_of_owner([] {
    std::array<int, rounds> answer{};
    for (int& error : answer) {
      const ScratchNetns dying;
      const Fd process = pidfd_open(dying.pid());
      ::kill(dying.pid(), SIGKILL);
      error = setns_error(process.get(), CLONE_NEWNET);
    }
    return answer;
  });

  EXPECT_THAT(errors, Each(AnyOf(0, ESRCH)));
}

TEST(InNetns, WorkerStaysInANamespaceWhoseNameIsGivenToAnother) {
  BEHAVIOUR("LT11");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId old, inside_before, inside_after, fresh, by_name;
    Ended without_name;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    ScratchNetns old;
    const ScratchNetns fresh;
    Seen answer{};
    answer.old = old.id();
    answer.fresh = fresh.id();
    std::optional<NamedNetns> blue(std::in_place, "blue", old.open("ns/net"));
    const auto target = Target::path(blue->path());
    old.reap();
    (void)in_netns(target, [&] {
      answer.inside_before = current_netns();
      blue.reset();
      answer.without_name = how_it_ended(in_netns(target, [] {}));
      blue.emplace("blue", fresh.open("ns/net"));
      answer.by_name = id_inside(target);
      answer.inside_after = current_netns();
    });
    return answer;
  });

  EXPECT_EQ(seen.inside_before, seen.old);
  EXPECT_EQ(seen.inside_after, seen.old);
  EXPECT_EQ(seen.without_name, refused(Stage::open, ENOENT));
  EXPECT_EQ(seen.by_name, seen.fresh);
  EXPECT_NE(seen.fresh, seen.old);
}

TEST(Netns, UnmountingOnceRevealsTheNamespaceBelow) {
  BEHAVIOUR("LT13");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId lower, upper, both, one;
    std::array<Ended, 2> none;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const ScratchNetns lower;
    const ScratchNetns upper;
    NamedNetns first("blue", lower.open("ns/net"));
    NamedNetns second("blue", upper.open("ns/net"));
    const auto blue = Target::path(first.path());
    Seen answer{};
    answer.lower = lower.id();
    answer.upper = upper.id();
    answer.both = id_inside(blue);
    second.unmount();
    answer.one = id_inside(blue);
    first.unmount();
    answer.none = enter_both_ways(blue);
    return answer;
  });

  EXPECT_EQ(seen.both, seen.upper);
  EXPECT_EQ(seen.one, seen.lower);
  EXPECT_THAT(seen.none, Each(refused(Stage::open, EINVAL)));
}

}  // namespace
}  // namespace nsgate::test
