// SPDX-License-Identifier: Apache-2.0
#include "guest/test_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include "guest/credentials.h"
#include "guest/give_up.h"
#include "guest/mounts.h"
#include "guest/output_tail.h"
#include "guest/profile.h"
#include "guest/reaper.h"
#include "guest/test_report.h"
#include "guest/test_session.h"

namespace nsgate::guest {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds reaping_patience{10};
constexpr const char* xml_path = "/tmp/test/result.xml";

struct Pipe {
  int read, write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe2", errno);
  return {.read = ends[0], .write = ends[1]};
}

/// Null and no return, or the step that failed with errno set.
const char* become_test(const frame::Plan& plan, const std::string& test, bool slow, int output) {
  const std::string filter = "--gtest_filter=" + test;
  const std::string report = std::string("--gtest_output=xml:") + xml_path;
  const std::string user = "NSGATE_USER=" + std::string(frame::to_string(plan.user));
  const std::string home = std::string("HOME=") + test_directory;
  const std::string tmpdir = std::string("TMPDIR=") + test_directory;
  const std::array<const char*, 4> argv{plan.program.c_str(), filter.c_str(), report.c_str(),
                                        nullptr};
  std::vector<const char*> envp{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                home.c_str(),
                                tmpdir.c_str(),
                                "LANG=C",
                                "GTEST_COLOR=no",
                                user.c_str()};
  // As the kernel's own network tests know it (tools/testing/selftests/net/lib.sh).
  if (slow) envp.push_back("KSFT_MACHINE_SLOW=yes");
  for (const auto& variable : plan.environment) envp.push_back(variable.c_str());
  envp.push_back(nullptr);
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  sigset_t none;
  ::sigemptyset(&none);

  if (const char* step = begin_session(output)) return step;
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return "setrlimit RLIMIT_CORE";
  if (const char* step = confine(plan.settings)) return step;
  if (const char* step = become(plan.user)) return step;
  if (::chdir(test_directory) != 0) return "chdir /tmp/test";
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return "sigprocmask";
  ::execve(argv[0], const_cast<char* const*>(argv.data()), const_cast<char* const*>(envp.data()));
  return "exec of the program of the plan";
}

struct Failed {
  const char* step;  // a literal, which parent and child have at the same address
  int error;
};

/// Gives up unless the program was started: a test that never ran must not look like one that
/// failed.
pid_t start(const frame::Plan& plan, const std::string& test, bool slow, int output) {
  const Pipe report = make_pipe();
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork", errno);
  if (pid == 0) {
    const Failed failed{.step = become_test(plan, test, slow, output), .error = errno};
    [[maybe_unused]] const auto written = ::write(report.write, &failed, sizeof failed);
    ::_exit(127);
  }
  ::close(report.write);
  Failed failed{};
  const auto size = ::read(report.read, &failed, sizeof failed);
  if (size < 0) give_up("read of the report pipe", errno);
  if (size > 0) give_up(test + ": " + failed.step, failed.error);
  ::close(report.read);
  return pid;
}

/// False at the end of file and when nothing is there.
bool take_output(int fd, OutputTail& tail) {
  static std::array<char, 64 * 1024> buffer;
  const auto size = ::read(fd, buffer.data(), buffer.size());
  if (size < 0 && errno != EAGAIN && errno != EINTR) give_up("read of the output pipe", errno);
  if (size > 0) tail.append({buffer.data(), static_cast<std::size_t>(size)});
  return size > 0;
}

/// Until the test has ended (true) or its time is over (false). The end of file is no sign of
/// either: a test may close its output, and a daemon may keep it open.
bool watch(int pidfd, int output, Clock::time_point deadline, const std::function<void()>& beat,
           OutputTail& tail) {
  std::array<pollfd, 2> events{{{pidfd, POLLIN, 0}, {output, POLLIN, 0}}};
  auto next_beat = Clock::now() + std::chrono::seconds(1);
  while (true) {
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(std::min(deadline, next_beat) - Clock::now());
    const auto timeout = static_cast<int>(std::max(wait.count(), 0L));
    if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) {
      give_up("poll", errno);
    }
    if (events[0].revents != 0) return true;
    if (events[1].revents != 0 && !take_output(output, tail)) events[1].fd = -1;
    if (Clock::now() >= deadline) return false;
    if (Clock::now() >= next_beat) {
      beat();
      next_beat += std::chrono::seconds(1);
    }
  }
}

}  // namespace

Outcome run_test(const frame::Plan& plan, const std::string& test, unsigned slow_thousandths,
                 const std::function<void()>& beat) {
  make_test_directory(plan.user);
  const Pipe output = make_pipe();
  // Only init's end: O_NONBLOCK belongs to the open file, and the two ends are two open files.
  if (::fcntl(output.read, F_SETFL, O_NONBLOCK) != 0) give_up("fcntl O_NONBLOCK", errno);
  const auto started = Clock::now();
  const pid_t pid = start(plan, test, slow_thousandths > 3000, output.write);
  ::close(output.write);
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) give_up("pidfd_open (Linux 5.3 or newer is needed)", errno);

  Outcome outcome;
  OutputTail tail;
  outcome.timed_out = !watch(pidfd, output.read,
                             started + plan.test_deadline * slow_thousandths / 1000, beat, tail);
  outcome.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started);
  const Reaped reaped = kill_and_reap(pid, reaping_patience);
  outcome.stuck = !reaped.everything;
  // A test that SIGKILL could not end is told by the signal that was sent.
  outcome.wait_status = reaped.wait_status.value_or(SIGKILL);
  if (reaped.everything) {
    while (take_output(output.read, tail)) {
    }
    outcome.xml = read_report(xml_path);
    remove_test_directory();
  }
  outcome.output = tail.text();
  ::close(pidfd);
  ::close(output.read);
  return outcome;
}

}  // namespace nsgate::guest
