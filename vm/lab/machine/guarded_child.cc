// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/guarded_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

std::unexpected<Failure> no_child(const char* step) {
  return could_not_start(std::string("cannot start a probe process: ") + step + ": " +
                         std::strerror(errno));
}

/// An abandoned child must not hold the caller's pipes and locks for good.
void leave_descriptors(int report) {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  ::dup2(report, 3);
  ::syscall(SYS_close_range, 4U, ~0U, 0U);
}

[[noreturn]] void be_child(const std::function<void(int)>& work, int report, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before prctl took effect (prctl(2), PR_SET_PDEATHSIG).
  if (::getppid() != parent) ::_exit(127);
  leave_descriptors(report);
  work(3);
  ::_exit(0);
}

/// Whether the process has ended by then.
bool ends_by(int pidfd, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd event{pidfd, POLLIN, 0};
    const int ready = ::poll(&event, 1, static_cast<int>(left > 0 ? left : 0));
    if (ready > 0) return true;
    if (ready == 0 && Clock::now() >= until) return false;
  }
}

std::string take(int fd) {
  std::array<char, 4096> buffer{};
  const auto n = ::read(fd, buffer.data(), buffer.size());
  return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

GuardedEnd await(pid_t pid, int pidfd, int report, const GuardedLimits& limits) {
  using How = GuardedEnd::How;
  if (ends_by(pidfd, Clock::now() + limits.work)) return {How::ended, reap(pid), take(report), pid};
  limits.kill(pid, SIGKILL);
  if (!ends_by(pidfd, Clock::now() + limits.death)) return {How::abandoned, 0, take(report), pid};
  reap(pid);
  return {How::killed, 0, take(report), pid};
}

}  // namespace

Expected<GuardedEnd> run_guarded(const std::function<void(int report)>& work,
                                 const GuardedLimits& limits) {
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC | O_NONBLOCK) != 0) return no_child("pipe2");
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) be_child(work, report[1], parent);
  const int fork_error = errno;
  ::close(report[1]);
  if (pid < 0) {
    ::close(report[0]);
    errno = fork_error;
    return no_child("fork");
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const int error = errno;
    ::close(report[0]);
    ::kill(pid, SIGKILL);
    errno = error;
    return no_child("pidfd_open (Linux 5.3 or newer is needed)");
  }
  const auto end = await(pid, pidfd, report[0], limits);
  ::close(pidfd);
  ::close(report[0]);
  return end;
}

}  // namespace nsgate::lab
