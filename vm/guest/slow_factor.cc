// SPDX-License-Identifier: Apache-2.0
#include "guest/slow_factor.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "guest/give_up.h"

namespace nsgate::guest {
namespace {

using Clock = std::chrono::steady_clock;

/// The median of five batches on the reference, idle; see measure_slow_factor.
constexpr std::chrono::microseconds reference{8000};

std::chrono::nanoseconds batch() {
  const auto start = Clock::now();
  for (int i = 0; i < 4000; ++i) ::syscall(SYS_getppid);
  for (int i = 0; i < 400; ++i) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("slow factor: pipe2", errno);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  return Clock::now() - start;
}

}  // namespace

unsigned measure_slow_factor() {
  std::array<std::chrono::nanoseconds, 5> times{};
  std::ranges::generate(times, batch);
  std::ranges::sort(times);
  const auto thousandths = times[times.size() / 2] * 1000 / reference;
  return static_cast<unsigned>(std::clamp<long>(thousandths, 1000, 20000));
}

}  // namespace nsgate::guest
