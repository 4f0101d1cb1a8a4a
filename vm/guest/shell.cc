// SPDX-License-Identifier: Apache-2.0
#include "guest/shell.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "guest/credentials.h"
#include "guest/give_up.h"
#include "guest/mounts.h"
#include "guest/profile.h"
#include "guest/reaper.h"

namespace nsgate::guest {
namespace {

constexpr const char* device = "/dev/ttyS0";
constexpr std::chrono::seconds reaping_patience{10};

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != line.npos;) {
    const auto end = line.find(' ', at);
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Null, or the step that failed with errno set. A session leader without one gets the terminal
/// that it opens as its controlling terminal (tty(4)); the request says so in any case.
const char* take_terminal(const frame::Plan& plan) {
  if (::setsid() < 0) return "setsid";
  const int fd = ::open(device, O_RDWR);
  if (fd < 0) return "open /dev/ttyS0";
  if (::ioctl(fd, TIOCSCTTY, 0) != 0) return "ioctl TIOCSCTTY";
  const auto id = plan.user == frame::User::root ? 0U : static_cast<unsigned>(frame::rootless_id);
  // As login(1) does it: the user may open /dev/tty and the port itself again.
  if (::fchown(fd, id, id) != 0 || ::fchmod(fd, 0620) != 0) return "fchown /dev/ttyS0";
  if (plan.terminal.rows > 0 && plan.terminal.columns > 0) {
    const winsize size{.ws_row = plan.terminal.rows,
                       .ws_col = plan.terminal.columns,
                       .ws_xpixel = 0,
                       .ws_ypixel = 0};
    if (::ioctl(fd, TIOCSWINSZ, &size) != 0) return "ioctl TIOCSWINSZ";
  }
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(fd, standard) < 0) return "dup2";
  }
  if (fd > STDERR_FILENO) ::close(fd);
  return nullptr;
}

const char* become_shell(const frame::Plan& plan) {
  auto words = words_of(plan.shell);
  std::vector<std::string> environment{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/payload",
      std::string("HOME=") + test_directory,
      std::string("TMPDIR=") + test_directory,
      "LANG=C",
      "TERM=" + plan.terminal.type,
      "NSGATE_USER=" + std::string(frame::to_string(plan.user))};
  const auto argv = pointers_to(words);
  const auto envp = pointers_to(environment);
  sigset_t none;
  ::sigemptyset(&none);
  if (const char* step = take_terminal(plan)) return step;
  if (const char* step = confine(plan.settings)) return step;
  if (const char* step = become(plan.user)) return step;
  if (::chdir(test_directory) != 0) return "chdir /tmp/test";
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return "sigprocmask";
  ::execve(argv[0], argv.data(), envp.data());
  return "exec of the shell of the plan";
}

struct Failed {
  const char* step;  // a literal, which parent and child have at the same address
  int error;
};

}  // namespace

void run_shell(const frame::Plan& plan) {
  make_test_directory(plan.user);
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) give_up("pipe2", errno);
  const pid_t shell = ::fork();
  if (shell < 0) give_up("fork", errno);
  if (shell == 0) {
    const Failed failed{.step = become_shell(plan), .error = errno};
    [[maybe_unused]] const auto written = ::write(report[1], &failed, sizeof failed);
    ::_exit(127);
  }
  ::close(report[1]);
  Failed failed{};
  if (::read(report[0], &failed, sizeof failed) > 0) {
    give_up("shell " + plan.shell + ": " + failed.step, failed.error);
  }
  ::close(report[0]);
  int status = 0;
  pid_t ended = 0;
  // Init is the parent of every orphan.
  do {
    ended = ::waitpid(-1, &status, 0);
  } while (ended != shell && (ended >= 0 || errno == EINTR));
  if (ended != shell) give_up("waitpid for the shell", errno);
  if (!kill_and_reap(shell, reaping_patience).everything) {
    give_up("a process of the shell survived SIGKILL for 10 s");
  }
  remove_test_directory();
}

}  // namespace nsgate::guest
