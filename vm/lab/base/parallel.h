// SPDX-License-Identifier: Apache-2.0
//
// Runs independent pieces of work side by side.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace nsgate::lab {

/// Calls work(0) … work(count - 1), at most `jobs` at a time, and returns when all have returned.
/// Each call stays on one thread, so that a process which it starts does not lose its parent.
inline void in_parallel(std::size_t count, std::size_t jobs,
                        const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < std::min(jobs, count); ++i) {
    workers.emplace_back([&] {
      for (std::size_t mine = next++; mine < count; mine = next++) work(mine);
    });
  }
}

}  // namespace nsgate::lab
