// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <mutex>
#include <set>

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::Ge;
using testing::Le;

TEST(Schedule, LongestComesFirstAndEqualOnesInOrder) {
  EXPECT_THAT(longest_first({{.seconds = 1}, {.seconds = 9}, {.seconds = 1}, {.seconds = 4}}),
              ElementsAre(1, 3, 0, 2));
}

/// How many jobs were in a state at the same time.
class Most {
 public:
  void enter(unsigned weight = 1) {
    const std::scoped_lock lock(mutex_);
    now_ += weight;
    most_ = std::max(most_, now_);
  }
  void leave(unsigned weight = 1) {
    const std::scoped_lock lock(mutex_);
    now_ -= weight;
  }
  unsigned most() const { return most_; }

 private:
  std::mutex mutex_;
  unsigned now_ = 0;
  unsigned most_ = 0;
};

TEST(Schedule, EveryJobRunsOnce) {
  std::mutex mutex;
  std::multiset<std::size_t> ran;
  run_jobs(std::vector<Job>(50), {.jobs = 8, .memory_mib = 0, .booting = 8},
           [&](std::size_t job, const auto&) {
             const std::scoped_lock lock(mutex);
             ran.insert(job);
           });
  EXPECT_EQ(ran.size(), 50u);
  EXPECT_EQ(std::set(ran.begin(), ran.end()).size(), 50u);
}

TEST(Schedule, JobsAtATimeAreLimitedAndTheLimitIsUsed) {
  Most running;
  // Two jobs that wait for each other end only if they run together.
  std::latch together(2);
  run_jobs(std::vector<Job>(2), {.jobs = 2, .memory_mib = 0, .booting = 2},
           [&](std::size_t, const auto&) { together.arrive_and_wait(); });
  run_jobs(std::vector<Job>(30), {.jobs = 3, .memory_mib = 0, .booting = 3},
           [&](std::size_t, const auto&) {
             running.enter();
             running.leave();
           });
  EXPECT_THAT(running.most(), Le(3u));
}

TEST(Schedule, MemoryIsShared) {
  Most memory;
  std::vector<Job> jobs(20, {.seconds = 0, .memory_mib = 300});
  run_jobs(jobs, {.jobs = 8, .memory_mib = 1000, .booting = 8}, [&](std::size_t, const auto&) {
    memory.enter(300);
    memory.leave(300);
  });
  EXPECT_THAT(memory.most(), Le(1000u));
}

TEST(Schedule, JobThatIsLargerThanTheMachineRunsAlone) {
  Most running;
  std::vector<Job> jobs(4, {.seconds = 0, .memory_mib = 5000});
  run_jobs(jobs, {.jobs = 4, .memory_mib = 1000, .booting = 4}, [&](std::size_t, const auto&) {
    running.enter();
    running.leave();
  });
  EXPECT_EQ(running.most(), 1u);
}

TEST(Schedule, NextJobBootsOnceTheFormerHasBooted) {
  Most booting;
  Most running;
  std::latch all_run(3);
  run_jobs(std::vector<Job>(3), {.jobs = 3, .memory_mib = 0, .booting = 1},
           [&](std::size_t, const auto& booted) {
             running.enter();
             booting.enter();
             booting.leave();
             booted();
             booted();
             all_run.arrive_and_wait();
             running.leave();
           });
  EXPECT_EQ(booting.most(), 1u);
  EXPECT_EQ(running.most(), 3u);
}

TEST(Schedule, ThisMachineHoldsAGuest) { EXPECT_THAT(limits_of_this_machine().jobs, Ge(1u)); }

}  // namespace
}  // namespace nsgate::lab
