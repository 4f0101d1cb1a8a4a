// SPDX-License-Identifier: Apache-2.0
#include "lab/base/lifeline.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace nsgate::lab {
namespace {

/// Whether there may be more.
bool read_some(int fd) {
  std::array<char, 4096> ignored;
  const auto n = ::read(fd, ignored.data(), ignored.size());
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

void watch(int fd, int stop, const std::function<void()>& lost) {
  for (;;) {
    std::array<pollfd, 2> events{{{stop, POLLIN, 0}, {fd, POLLIN, 0}}};
    if (::poll(events.data(), events.size(), -1) < 0) continue;
    if (events[0].revents != 0) return;
    if (!read_some(fd)) return lost();
  }
}

}  // namespace

LifelineWatch::LifelineWatch(int fd, std::function<void()> lost)
    : stop_(::eventfd(0, EFD_CLOEXEC)),
      thread_([fd, stop = stop_, lost = std::move(lost)] { watch(fd, stop, lost); }) {}

LifelineWatch::~LifelineWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
}

}  // namespace nsgate::lab
