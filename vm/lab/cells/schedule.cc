// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/schedule.h"

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

namespace nsgate::lab {
namespace {

/// MemAvailable of proc_meminfo(5), in MiB; 0 when it cannot be had.
unsigned available_memory_mib() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  unsigned long kib = 0;
  std::string unit;
  while (meminfo >> key >> kib) {
    if (key == "MemAvailable:") return static_cast<unsigned>(kib / 1024);
    std::getline(meminfo, unit);
  }
  return 0;
}

class Scheduler {
 public:
  Scheduler(const std::vector<Job>& jobs, const Limits& limits)
      : jobs_(jobs), limits_(limits), waiting_(longest_first(jobs)) {}

  void run(const std::function<void(std::size_t, const std::function<void()>&)>& work) {
    std::vector<std::jthread> threads;
    std::unique_lock lock(mutex_);
    while (!waiting_.empty()) {
      const auto next = std::ranges::find_if(waiting_, [this](auto job) { return fits(job); });
      if (next == waiting_.end()) {
        changed_.wait(lock);
        continue;
      }
      const auto job = *next;
      waiting_.erase(next);
      ++running_;
      ++booting_;
      memory_ += jobs_[job].memory_mib;
      threads.emplace_back([this, job, &work] { run_one(job, work); });
    }
  }

 private:
  bool fits(std::size_t job) const {
    if (running_ == 0) return true;
    return running_ < limits_.jobs && booting_ < limits_.booting &&
           memory_ + jobs_[job].memory_mib <= limits_.memory_mib;
  }

  void run_one(std::size_t job,
               const std::function<void(std::size_t, const std::function<void()>&)>& work) {
    bool booting = true;
    const auto booted = [this, &booting] {
      const std::scoped_lock lock(mutex_);
      if (booting) --booting_;
      booting = false;
      changed_.notify_all();
    };
    work(job, booted);
    booted();
    const std::scoped_lock lock(mutex_);
    --running_;
    memory_ -= jobs_[job].memory_mib;
    changed_.notify_all();
  }

  const std::vector<Job>& jobs_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> waiting_;
  std::size_t running_ = 0;
  std::size_t booting_ = 0;
  unsigned memory_ = 0;
};

}  // namespace

std::vector<std::size_t> longest_first(const std::vector<Job>& jobs) {
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, [&](auto a, auto b) {
    return std::pair(jobs[b].seconds, a) < std::pair(jobs[a].seconds, b);
  });
  return order;
}

Limits limits_of_this_machine() {
  const std::size_t processors = std::max(1u, std::thread::hardware_concurrency());
  return {.jobs = processors,
          .memory_mib = available_memory_mib(),
          .booting = std::max<std::size_t>(1, processors / 2)};
}

void run_jobs(const std::vector<Job>& jobs, const Limits& limits,
              const std::function<void(std::size_t, const std::function<void()>&)>& work) {
  Scheduler(jobs, limits).run(work);
}

}  // namespace nsgate::lab
