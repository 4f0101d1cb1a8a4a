// SPDX-License-Identifier: Apache-2.0
//
// Entering with a descriptor table that is full or nearly so.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;

/// Leaves room for `free` descriptors, until the end of the scope.
class NearlyFullTable {
 public:
  explicit NearlyFullTable(std::size_t free) {
    constexpr rlim_t size = 64;
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{.rlim_cur = size, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
    fillers_.reserve(size);
    for (Fd filler; (filler = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));) {
      fillers_.push_back(std::move(filler));
    }
    fillers_.resize(fillers_.size() - free);
  }
  NearlyFullTable(const NearlyFullTable&) = delete;
  ~NearlyFullTable() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<Fd> fillers_;
};

constexpr std::size_t enough = 12;

/// How `enter` ended with room for 0, 1, … descriptors.
template <typename F>
std::vector<Ended> with_little_room(F enter) {
  std::vector<Ended> all;
  for (std::size_t free = 0; free <= enough; ++free) {
    const NearlyFullTable table(free);
    all.push_back(enter());
  }
  return all;
}

TEST(InNetns, FullTableIsEmfileAtOpen) {
  BEHAVIOUR("FD08");
  const OpenFds before;

  const auto ended = with_little_room(
      [] { return how_it_ended(in_netns(Target::path("/proc/self/ns/uts"), [] {})); });

  EXPECT_EQ(ended.front(), refused(Stage::open, EMFILE));
  EXPECT_THAT((std::vector(ended.begin() + 1, ended.end())), Each(refused(Stage::open, EINVAL)));
  EXPECT_EQ(OpenFds(), before);
}

TEST(InNetns, FullTableIsNoObstacleToADescriptor) {
  BEHAVIOUR("FD08");
  REQUIRES(own_netns);

  const auto ended = answer_of_owner([] {
    const ScratchNetns other;
    const Fd netns = other.open("ns/net");
    const NearlyFullTable table(0);
    return how_it_ended(in_netns(Target::descriptor(netns.get()), [] {}));
  });

  EXPECT_EQ(ended, exited(0));
}

TEST(ExecInNetns, FullTableIsEmfileAtTheFirstStageThatNeedsADescriptor) {
  BEHAVIOUR("FD08");
  REQUIRES(own_netns);
  const std::string program = helper();

  const auto [by_path, by_descriptor] = answer_of_owner([&] {
    const ScratchNetns other;
    const Fd netns = other.open("ns/net");
    const Command command{.argv = {program, "exit", "0"}};
    const NearlyFullTable table(0);
    return std::array{
        how_it_ended(exec_in_netns(Target::process(other.pid()), command)),
        how_it_ended(exec_in_netns(Target::descriptor(netns.get()), command)),
    };
  });

  EXPECT_EQ(by_path, refused(Stage::open, EMFILE));
  EXPECT_EQ(by_descriptor, refused(Stage::pipe, EMFILE));
}

TEST(ExecInNetns, EveryNumberOfFreeDescriptorsIsRefusedOrEnough) {
  BEHAVIOUR("FD08");
  REQUIRES(own_netns);
  struct Seen {
    std::size_t refused, entered;
    bool in_order, leaked;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const std::string program = helper();
    const OpenFds before_all;
    const auto ended = with_little_room([&] {
      return how_it_ended(
          exec_in_netns(Target::process(other.pid()), {.argv = {program, "exit", "0"}}));
    });
    const auto is_refused = [](const Ended& one) {
      return one == refused(Stage::open, EMFILE) || one == refused(Stage::pipe, EMFILE) ||
             one == refused(Stage::clone, EMFILE);
    };
    return Seen{.refused = static_cast<std::size_t>(std::ranges::count_if(ended, is_refused)),
                .entered = static_cast<std::size_t>(std::ranges::count(ended, exited(0))),
                .in_order = std::ranges::is_partitioned(ended, is_refused),
                .leaked = !(OpenFds() == before_all)};
  });

  EXPECT_EQ(seen.refused + seen.entered, enough + 1);
  EXPECT_GT(seen.refused, 1u);
  EXPECT_GT(seen.entered, 1u);
  EXPECT_TRUE(seen.in_order);
  EXPECT_FALSE(seen.leaked);
}

TEST(ExecInUserNetns, FullTableIsEmfileAtOpenThenAtPipe) {
  BEHAVIOUR("FD08");
  const OpenFds before;

  const auto ended = with_little_room([program = helper()] {
    return how_it_ended(exec_in_user_netns(UserTarget::process(::getpid()),
                                           {.argv = {program, "exit", "0"}}, Plan::sequential));
  });

  EXPECT_EQ(ended.front(), refused(Stage::open, EMFILE));
  EXPECT_EQ(ended.back(), refused(Stage::setns_user, EINVAL));
  EXPECT_THAT(ended,
              Each(AnyOf(refused(Stage::open, EMFILE), refused(Stage::pipe, EMFILE),
                         refused(Stage::clone, EMFILE), refused(Stage::setns_user, EINVAL))));
  EXPECT_TRUE(std::ranges::is_sorted(ended, {}, &Ended::stage));
  EXPECT_EQ(OpenFds(), before);
}

TEST(ExecInUserNetns, EveryNumberOfFreeDescriptorsIsRefusedOrEnough) {
  BEHAVIOUR("FD08");
  REQUIRES(userns);
  const UserScratch other;
  const OpenFds before;

  const auto ended = with_little_room([program = helper(), pid = other.pid()] {
    return how_it_ended(
        exec_in_user_netns(UserTarget::process(pid), {.argv = {program, "exit", "0"}}));
  });

  const auto enough_at = std::ranges::find(ended, exited(0));
  EXPECT_EQ(ended.front(), refused(Stage::open, EMFILE));
  EXPECT_THAT(std::vector(ended.begin(), enough_at),
              Each(AnyOf(refused(Stage::open, EMFILE), refused(Stage::pipe, EMFILE),
                         refused(Stage::clone, EMFILE))));
  EXPECT_TRUE(std::is_sorted(ended.begin(), enough_at, [](const Ended& one, const Ended& next) {
    return one.stage < next.stage;
  }));
  EXPECT_THAT(std::vector(enough_at, ended.end()), AllOf(Not(IsEmpty()), Each(exited(0))));
  EXPECT_EQ(OpenFds(), before);
}

}  // namespace
}  // namespace nsgate::test
