// SPDX-License-Identifier: Apache-2.0
#include "alone/test_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "guest/test_report.h"
#include "guest/test_session.h"
#include "nsgate/fd.h"
#include "support/scratch_directory.h"

namespace nsgate::alone {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kept_output = 64 * 1024;
constexpr milliseconds reaping_patience{10'000};

sigset_t awaited() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, signal);
  return set;
}

struct Pipe {
  Fd read, write;
};

std::expected<Pipe, std::string> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::unexpected(std::string("pipe2: ") + std::strerror(errno));
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// Everything that the child needs, made before it exists.
struct Start {
  std::string program, directory;
  std::vector<std::string> words, environment;
  std::vector<char*> argv, envp;
};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (auto& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

Start make_start(const std::string& test, const std::string& directory, const std::string& xml) {
  Start start{.program = own_program(),
              .directory = directory,
              .words = {own_program(), "--gtest_filter=" + test, "--gtest_output=xml:" + xml},
              .environment = {"HOME=" + directory, "TMPDIR=" + directory, "GTEST_COLOR=no"},
              .argv = {},
              .envp = {}};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const auto is = [&variable](const char* name) { return variable.starts_with(name); };
    if (!is("HOME=") && !is("TMPDIR=") && !is("GTEST_")) start.environment.emplace_back(variable);
  }
  start.argv = pointers(start.words);
  start.envp = pointers(start.environment);
  return start;
}

/// Null and no return, or the step that failed with errno set.
const char* become_test(const Start& start, int output) {
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  sigset_t none;
  ::sigemptyset(&none);
  if (const char* step = guest::begin_session(output)) return step;
  // What a shell left open is no business of the tests, which look at their own descriptors.
  for (int fd = STDERR_FILENO + 1; fd < 1024; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return "setrlimit RLIMIT_CORE";
  if (::chdir(start.directory.c_str()) != 0) return "chdir to the test's directory";
  ::umask(022);
  // nohup(1) and others leave signals ignored, which exec does not change.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return "sigprocmask";
  ::execve(start.program.c_str(), start.argv.data(), start.envp.data());
  return "exec";
}

struct Failed {
  const char* step;  // a literal, which parent and child have at the same address
  int error;
};

std::expected<pid_t, std::string> fork_test(const Start& start, int output) {
  auto report = make_pipe();
  if (!report) return std::unexpected(report.error());
  const pid_t pid = ::fork();
  if (pid < 0) return std::unexpected(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    const Failed failed{.step = become_test(start, output), .error = errno};
    [[maybe_unused]] const auto written = ::write(report->write.get(), &failed, sizeof failed);
    ::_exit(127);
  }
  report->write.reset();
  Failed failed{};
  if (::read(report->read.get(), &failed, sizeof failed) > 0) {
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(std::string(failed.step) + ' ' + start.program + ": " +
                           std::strerror(failed.error));
  }
  return pid;
}

/// Appends what is there; false at the end of file.
bool take_output(int fd, std::string& tail) {
  std::array<char, 16 * 1024> buffer;
  while (true) {
    const auto size = ::read(fd, buffer.data(), buffer.size());
    if (size == 0) return false;
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    tail.append(buffer.data(), static_cast<std::size_t>(size));
    if (tail.size() > 2 * kept_output) tail.erase(0, tail.size() - kept_output);
  }
}

/// The processes whose parent this one is.
std::vector<pid_t> children() {
  std::vector<pid_t> all;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::string stat;
    std::getline(std::ifstream(entry.path() / "stat"), stat);
    // "4 (name) S 2 …": the fourth field is the parent.
    const auto after_name = stat.rfind(") ");
    if (after_name == stat.npos || stat.size() < after_name + 5) continue;
    if (std::atoi(stat.c_str() + after_name + 4) == ::getpid()) all.push_back(std::stoi(name));
  }
  return all;
}

/// Kills the test and what it left, which has become ours (PR_SET_CHILD_SUBREAPER). False where
/// something outlives SIGKILL.
bool kill_and_reap(pid_t test, std::optional<int>& status) {
  const auto until = Clock::now() + reaping_patience;
  ::kill(-test, SIGKILL);
  while (true) {
    int ended = 0;
    const pid_t pid = ::waitpid(-1, &ended, WNOHANG);
    if (pid == test) status = ended;
    if (pid > 0) continue;
    if (pid < 0) return true;
    for (const pid_t child : children()) ::kill(child, SIGKILL);
    if (Clock::now() >= until) return false;
    pollfd nothing{-1, 0, 0};
    ::poll(&nothing, 1, 1);
  }
}

enum class Watched { ended, timed_out, interrupted };

/// Until the test has ended, its time is over, or a signal says that it is enough.
Watched watch(pid_t test, int output, Clock::time_point deadline, std::string& tail) {
  const sigset_t set = awaited();
  const Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  std::array<pollfd, 2> events{{{signals.get(), POLLIN, 0}, {output, POLLIN, 0}}};
  while (true) {
    siginfo_t info{};
    // The one that is waited for may have ended before it was looked for, so look first.
    ::waitid(P_PID, static_cast<id_t>(test), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid == test) return Watched::ended;
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Watched::timed_out;
    ::poll(events.data(), events.size(), static_cast<int>(std::min<long>(left, 1'000'000)));
    signalfd_siginfo caught{};
    while (::read(signals.get(), &caught, sizeof caught) == sizeof caught) {
      if (caught.ssi_signo != SIGCHLD) return Watched::interrupted;
    }
    if (events[1].revents != 0 && !take_output(output, tail)) events[1].fd = -1;
  }
}

}  // namespace

std::filesystem::path own_program() {
  std::error_code no_proc;
  auto program = std::filesystem::read_symlink("/proc/self/exe", no_proc);
  if (no_proc) program = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return std::filesystem::absolute(program);
}

void prepare_to_run_tests() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const sigset_t set = awaited();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  // An end of ours that nobody reads shall not cost the test that runs its end.
  ::signal(SIGPIPE, SIG_IGN);
}

std::expected<Ran, std::string> run_test(const std::string& test, milliseconds deadline) {
  const test::ScratchDirectory scratch;
  const auto xml = scratch.path() / "result.xml";
  auto output = make_pipe();
  if (!output) return std::unexpected(output.error());
  ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
  const auto start = make_start(test, scratch.path(), xml);

  const auto started = Clock::now();
  const auto pid = fork_test(start, output->write.get());
  if (!pid) return std::unexpected(pid.error());
  output->write.reset();

  Ran ran;
  const auto watched = watch(*pid, output->read.get(), started + deadline, ran.end.output);
  ran.end.test = test;
  ran.end.time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started);
  ran.end.timed_out = watched == Watched::timed_out;
  ran.interrupted = watched == Watched::interrupted;
  std::optional<int> status;
  ran.end.stuck = !kill_and_reap(*pid, status);
  take_output(output->read.get(), ran.end.output);
  if (ran.end.output.size() > kept_output) {
    ran.end.output.erase(0, ran.end.output.size() - kept_output);
  }
  ran.end.xml = guest::read_report(xml.c_str());
  if (!status) {
    ran.end.signaled = SIGKILL;
  } else if (WIFSIGNALED(*status)) {
    ran.end.signaled = WTERMSIG(*status);
  } else {
    ran.end.exited = WEXITSTATUS(*status);
  }
  return ran;
}

}  // namespace nsgate::alone
