// SPDX-License-Identifier: Apache-2.0
#include "lab/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace nsgate::lab {
namespace {

std::unexpected<Failure> could_not_start(const std::string& program, const char* step, int error) {
  return std::unexpected(
      Failure{ExitCode::could_not_start,
              "cannot start " + program + ": " + step + ": " + std::strerror(error)});
}

void close_if_open(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

/// Runs in the forked child, whose threads are gone: only async-signal-safe calls.
[[noreturn]] void become_program(const ProcessOptions& options, char* const* argv,
                                 char* const* envp, int stdin_fd, int stdout_fd, int stderr_fd,
                                 int report_fd, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Ctrl-C is for nsgate, which then ends its children in good order.
  if (!options.on_terminal) ::setpgid(0, 0);
  // The parent may have died before prctl took effect (prctl(2), PR_SET_PDEATHSIG).
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (!options.on_terminal) {
    ::dup2(stdin_fd, STDIN_FILENO);
    ::dup2(stdout_fd, STDOUT_FILENO);
  }
  if (stderr_fd >= 0) ::dup2(stderr_fd, STDERR_FILENO);
  if (options.working_directory.empty() || ::chdir(options.working_directory.c_str()) == 0) {
    ::execvpe(argv[0], argv, envp);
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(report_fd, &error, sizeof error);
  ::_exit(127);
}

/// All descriptors of a start in progress; whatever was not released is closed.
struct Descriptors {
  int null = -1;
  std::array<int, 2> out{-1, -1};
  std::array<int, 2> report{-1, -1};
  int err = -1;
  ~Descriptors() {
    close_if_open(null);
    for (int& fd : out) close_if_open(fd);
    for (int& fd : report) close_if_open(fd);
    close_if_open(err);
  }
};

std::string drain(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

Expected<Process> Process::start(const ProcessOptions& options) {
  const std::string& program = options.argv.at(0);
  std::vector<char*> argv;
  for (const auto& word : options.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  // The first of two equal names wins in getenv(3), so what is added comes first. (ld.so heeds the
  // last one: its own variables cannot be replaced here.)
  std::vector<char*> envp;
  for (const auto& entry : options.extra_env) envp.push_back(const_cast<char*>(entry.c_str()));
  for (char** entry = environ; *entry != nullptr; ++entry) envp.push_back(*entry);
  envp.push_back(nullptr);

  Descriptors fds;
  fds.null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fds.null < 0) return could_not_start(program, "open /dev/null", errno);
  if (::pipe2(fds.out.data(), O_CLOEXEC) != 0) return could_not_start(program, "pipe2", errno);
  if (::pipe2(fds.report.data(), O_CLOEXEC) != 0) return could_not_start(program, "pipe2", errno);
  if (!options.stderr_file.empty()) {
    fds.err = ::open(options.stderr_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fds.err < 0) return could_not_start(program, options.stderr_file.c_str(), errno);
  }

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return could_not_start(program, "fork", errno);
  if (pid == 0) {
    become_program(options, argv.data(), envp.data(), fds.null, fds.out[1], fds.err, fds.report[1],
                   parent);
  }
  close_if_open(fds.report[1]);
  close_if_open(fds.out[1]);
  int error = 0;
  ssize_t n;
  do {
    n = ::read(fds.report[0], &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    return could_not_start(program, "exec", error);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return could_not_start(program, "pidfd_open (Linux 5.3 or newer is needed)", error);
  }
  if (options.on_terminal) return Process(pid, pidfd, -1);
  ::fcntl(fds.out[0], F_SETFL, O_NONBLOCK);
  return Process(pid, pidfd, std::exchange(fds.out[0], -1));
}

Process::Process(pid_t pid, int pidfd, int stdout_fd)
    : pid_(pid), pidfd_(pidfd), stdout_fd_(stdout_fd) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      stdout_fd_(std::exchange(other.stdout_fd_, -1)) {}

Process::~Process() {
  if (pid_ > 0) {
    kill();
    wait();
  }
  close_if_open(pidfd_);
  close_if_open(stdout_fd_);
}

void Process::kill() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int Process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

Expected<ProcessOutput> run(const ProcessOptions& options,
                            std::optional<std::chrono::seconds> deadline) {
  using Clock = std::chrono::steady_clock;
  ProcessOptions started = options;
  // A pipe for stderr besides would need a second reader; a nameless file takes any amount.
  int err = -1;
  if (options.stderr_file.empty()) {
    err = ::memfd_create("stderr", MFD_CLOEXEC);
    if (err < 0) return could_not_start(options.argv.at(0), "memfd_create", errno);
    started.stderr_file = "/proc/self/fd/" + std::to_string(err);
  }
  auto child = Process::start(started);
  if (!child) {
    close_if_open(err);
    return std::unexpected(child.error());
  }
  ProcessOutput output{};
  const auto until = Clock::now() + deadline.value_or(std::chrono::hours(24));
  std::array<pollfd, 2> events{{{child->stdout_fd(), POLLIN, 0}, {child->pidfd(), POLLIN, 0}}};
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) {
      close_if_open(err);
      return std::unexpected(
          Failure{ExitCode::deadline, options.argv.at(0) + " did not end within " +
                                          std::to_string(deadline->count()) + " s and was killed"});
    }
    if (::poll(events.data(), events.size(), static_cast<int>(left)) < 0 && errno != EINTR) break;
    output.out += drain(child->stdout_fd());
    if ((events[0].revents & POLLHUP) != 0) events[0].fd = -1;
    if ((events[1].revents & POLLIN) != 0) break;
  }
  output.out += drain(child->stdout_fd());
  output.wait_status = child->wait();
  if (err >= 0) {
    ::lseek(err, 0, SEEK_SET);
    output.err = drain(err);
    close_if_open(err);
  }
  return output;
}

}  // namespace nsgate::lab
