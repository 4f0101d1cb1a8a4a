// SPDX-License-Identifier: Apache-2.0
#include "lab/base/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace nsgate::lab {
namespace {

std::atomic<int> event = -1;
static_assert(std::atomic<int>::is_always_lock_free);

void note(int) {
  const int error = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event, &one, sizeof one);
  errno = error;
}

}  // namespace

void catch_interrupts() {
  event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

int interrupt_fd() { return event; }

bool interrupted() {
  pollfd poll{interrupt_fd(), POLLIN, 0};
  return ::poll(&poll, 1, 0) == 1;
}

void interrupt() { note(0); }

}  // namespace nsgate::lab
