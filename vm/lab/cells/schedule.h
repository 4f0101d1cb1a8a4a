// SPDX-License-Identifier: Apache-2.0
//
// Runs jobs side by side, as many as the machine holds: the longest first, because one that starts
// last is waited for alone; and only so many at a time in their beginning, because guests that boot
// together on few processors starve one another's timers.
//
//   run_jobs({{.seconds = 40, .memory_mib = 900}, …}, {.jobs = 2, .memory_mib = 4000, .booting =
//   1},
//            [](std::size_t job, const std::function<void()>& booted) { … });
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace nsgate::lab {

struct Job {
  double seconds = 0;  ///< as long as it is expected to take
  unsigned memory_mib = 0;
};

struct Limits {
  std::size_t jobs = 1;
  unsigned memory_mib = 0;  ///< of all jobs together; one job always runs
  std::size_t booting = 1;  ///< jobs that have not called `booted`
};

/// The longest first; of equal ones, the earlier.
std::vector<std::size_t> longest_first(const std::vector<Job>& jobs);

/// What this machine holds: one guest a processor, in the memory that is available now.
Limits limits_of_this_machine();

/// Calls work(job, booted) for each, on a thread of its own, and returns when all have returned.
/// `booted` may be called any number of times; a job that returns has booted. A job that fits waits
/// for none that does not.
void run_jobs(const std::vector<Job>& jobs, const Limits& limits,
              const std::function<void(std::size_t, const std::function<void()>&)>& work);

}  // namespace nsgate::lab
