// SPDX-License-Identifier: Apache-2.0
//
// Entering many times at once, from many threads, and forking meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/rendezvous.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

TEST(InNetns, NamespacesAreEnteredAtOnceWithoutSeeingEachOther) {
  BEHAVIOUR("TH26 NC05");
  REQUIRES(root);
  const std::array<ScratchNetns, 8> others;
  Rendezvous all_inside(static_cast<int>(others.size()));
  std::vector<std::future<Result<NamespaceId>>> workers;

  for (const auto& other : others) {
    workers.push_back(std::async(std::launch::async, [&] {
      return in_netns(Target::process(other.pid()), [&] {
        all_inside.meet();
        return current_netns();
      });
    }));
  }

  for (std::size_t i = 0; i < others.size(); ++i) {
    EXPECT_THAT(workers[i].get(), IsOkAndHolds(others[i].id()));
  }
}

TEST(InNetns, OneNamespaceIsEnteredByManyAtOnce) {
  BEHAVIOUR("NC05");
  REQUIRES(root);
  const ScratchNetns other;
  constexpr int many = 32;
  Rendezvous all_inside(many);
  std::vector<std::future<Result<NamespaceId>>> workers;

  for (int i = 0; i < many; ++i) {
    workers.push_back(std::async(std::launch::async, [&] {
      return in_netns(Target::process(other.pid()), [&] {
        all_inside.meet();
        return current_netns();
      });
    }));
  }

  for (auto& worker : workers) EXPECT_THAT(worker.get(), IsOkAndHolds(other.id()));
}

struct Stress {
  int failures;
  bool same_fds;
};

/// For a child: threads that enter in both ways while others allocate without a pause.
Stress enter_under_pressure() {
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const auto inside = in_netns(target, current_netns);
  const auto line = ::testing::PrintToString(*inside) + '\n';
  const Command netns{.argv = {helper(), "netns"}};
  const OpenFds before;
  std::atomic<int> failures = 0;
  std::atomic<int> busy = 4;

  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (busy > 0) std::vector<std::string>(64, std::string(100, 'x'));
    });
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const auto seen = in_netns(target, current_netns);
        if (!seen || *seen != *inside) ++failures;
      }
      --busy;
    });
    threads.emplace_back([&] {
      for (int round = 0; round < 15; ++round) {
        const auto finished = exec_in_netns(target, netns);
        if (!finished || finished->out != line) ++failures;
      }
      --busy;
    });
  }
  threads.clear();
  return {failures, OpenFds() == before};
}

TEST(InNetns, BothWaysHoldUnderConcurrencyAndAllocation) {
  BEHAVIOUR("NC04");
  REQUIRES(own_netns);

  const auto stress = answer_of_owner(&enter_under_pressure);

  EXPECT_EQ(stress.failures, 0);
  EXPECT_TRUE(stress.same_fds);
}

/// The calling process's threads.
std::ptrdiff_t count_threads() {
  using Entries = std::filesystem::directory_iterator;
  return std::distance(Entries("/proc/self/task"), Entries());
}

struct Forked {
  NamespaceId netns;
  std::ptrdiff_t threads;
  friend bool operator==(const Forked&, const Forked&) = default;
};

TEST(InNetns, ForkTakesTheForkingThreadAndItsNamespaceOnly) {
  BEHAVIOUR("NC07 TH06");
  REQUIRES(root);
  const ScratchNetns other;
  Rendezvous inside(2);
  Rendezvous forked(2);
  const auto fork_and_look = [] {
    return answer_of_child([] { return Forked{current_netns(), count_threads()}; });
  };

  auto worker = std::async(std::launch::async, [&] {
    return in_netns(Target::process(other.pid()), [&] {
      inside.meet();
      const auto child = fork_and_look();
      forked.meet();
      return child;
    });
  });
  inside.meet();
  const auto child_of_main = fork_and_look();
  forked.meet();

  EXPECT_EQ(child_of_main, (Forked{current_netns(), 1}));
  EXPECT_THAT(worker.get(), IsOkAndHolds(Forked{other.id(), 1}));
}

}  // namespace
}  // namespace nsgate::test
