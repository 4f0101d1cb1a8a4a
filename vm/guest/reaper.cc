// SPDX-License-Identifier: Apache-2.0
#include "guest/reaper.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "guest/give_up.h"

namespace nsgate::guest {
namespace {

sigset_t only_sigchld() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  return set;
}

}  // namespace

void block_sigchld() {
  const sigset_t set = only_sigchld();
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) give_up("sigprocmask", errno);
}

Reaped kill_and_reap(pid_t test, std::chrono::seconds patience) {
  using std::chrono::nanoseconds;
  const auto until = std::chrono::steady_clock::now() + patience;
  Reaped reaped{.everything = false, .wait_status = {}};
  // ESRCH: there is no other process, which is what we want.
  if (::kill(-1, SIGKILL) != 0 && errno != ESRCH) give_up("kill -1", errno);
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid == test) reaped.wait_status = status;
    if (pid > 0) continue;
    if (pid < 0 && errno != ECHILD) give_up("waitpid", errno);
    if (pid < 0) {
      reaped.everything = true;
      return reaped;
    }
    const nanoseconds left = until - std::chrono::steady_clock::now();
    if (left <= nanoseconds::zero()) return reaped;
    const timespec timeout{.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000),
                           .tv_nsec = static_cast<long>(left.count() % 1'000'000'000)};
    const sigset_t set = only_sigchld();
    if (::sigtimedwait(&set, nullptr, &timeout) < 0 && errno != EAGAIN && errno != EINTR) {
      give_up("sigtimedwait", errno);
    }
  }
}

}  // namespace nsgate::guest
