// SPDX-License-Identifier: Apache-2.0
//
// Signals: which of the caller's settings a program has, and how its death by one comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>
#include <iomanip>
#include <sstream>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"

namespace nsgate::test {
namespace {

/// As /proc/self/status shows sets of signals.
std::string mask_of(std::initializer_list<int> signals) {
  unsigned long bits = 0;
  for (const int signal : signals) bits |= 1ul << (signal - 1);
  std::ostringstream text;
  text << std::hex << std::setw(16) << std::setfill('0') << bits;
  return text.str();
}

/// Handles a signal for the length of a scope.
class Handling {
 public:
  Handling(int signal, void (*handler)(int)) : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, &before_);
  }
  Handling(const Handling&) = delete;
  ~Handling() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ {};
};

sigset_t blocked_by_caller() {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return now;
}

TEST(Exec, ProgramStartsWithAnEmptySignalMask) {
  BEHAVIOUR("SG01");
  REQUIRES(userns);
  sigset_t some;
  ::sigemptyset(&some);
  for (const int signal : {SIGUSR1, SIGTERM, SIGPIPE, SIGRTMIN, SIGRTMAX})
    ::sigaddset(&some, signal);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &some, nullptr), 0);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "status", "SigBlk"}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, mask_of({}) + '\n');
  }
}

TEST(Exec, CallersSignalMaskIsUnchanged) {
  BEHAVIOUR("SG01");
  REQUIRES(userns);
  sigset_t some;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGUSR1);
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &some, nullptr), 0);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    ASSERT_THAT(execute({.argv = {helper(), "exit", "0"}}), ExitsWith(0));
    ASSERT_THAT(execute({.argv = {"/no/such/program"}}), FailsAt(Stage::exec, ENOENT));

    const sigset_t now = blocked_by_caller();
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
      EXPECT_EQ(::sigismember(&now, signal), ::sigismember(&some, signal)) << "signal " << signal;
    }
  }
}

TEST(Exec, IgnoredSignalsStayIgnoredExceptSigpipe) {
  BEHAVIOUR("SG02");
  REQUIRES(userns);
  const Handling interrupt(SIGINT, SIG_IGN);
  const Handling hangup(SIGHUP, SIG_DFL);
  const Handling realtime(SIGRTMIN + 3, SIG_IGN);
  const Handling pipe(SIGPIPE, SIG_IGN);
  const Handling caught(SIGUSR1, [](int) {});
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "status", "SigIgn", "SigCgt"}});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, mask_of({SIGINT, SIGRTMIN + 3}) + '\n' + mask_of({}) + '\n');
  }
}

volatile pid_t handled_elsewhere = 0;
pid_t caller = 0;

// In a child that shares the caller's memory, the caller's handler would write to that memory.
TEST(Exec, HandlersOfTheCallerRunOnlyInTheCaller) {
  BEHAVIOUR("SG02");
  REQUIRES(userns);
  caller = ::getpid();
  ASSERT_TRUE(::getpgrp() == caller || ::setpgid(0, 0) == 0);
  // For the rest of this process: a signal may still be on its way when the last sender is gone.
  struct sigaction action {};
  action.sa_handler = [](int) {
    if (::getpid() != caller) handled_elsewhere = ::getpid();
  };
  ::sigaction(SIGUSR1, &action, nullptr);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const ParkedProcess sender([] {
      if (::signal(SIGUSR1, SIG_IGN) == SIG_ERR) return errno;
      const pid_t parent = ::getpid();
      const pid_t pid = ::fork();
      if (pid < 0) return errno;
      if (pid > 0) return 0;
      while (::getppid() == parent) ::kill(0, SIGUSR1);
      ::_exit(0);
    });

    // The program may well die of the signal, even before it is one.
    for (int i = 0; i < 25; ++i) (void)execute({.argv = {helper(), "exit", "0"}});

    EXPECT_EQ(handled_elsewhere, 0);
  }
}

TEST(Exec, DeathBySignalIsToldByNumber) {
  BEHAVIOUR("SG04");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    for (const int signal : {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE, SIGUSR1, SIGRTMAX}) {
      SCOPED_TRACE(way + ", signal " + std::to_string(signal));

      const auto ended = execute({.argv = {helper(), "signal", std::to_string(signal)}});

      ASSERT_THAT(ended, IsOk());
      EXPECT_EQ(ended->how, End(Signaled{signal, false}));
      EXPECT_FALSE(ended->succeeded());
    }
  }
}

struct Death {
  int signal;
  bool core_dumped;
};

/// For a child: dies where a core file does no harm, under the highest limit that it may set.
int prepare_core(const ScratchDirectory& directory) {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  return ::chdir(directory.path().c_str()) == 0 && ::setrlimit(RLIMIT_CORE, &limit) == 0 ? 0
                                                                                         : errno;
}

// Whether there is a core file is the machine's affair (core(5)); core says what waitpid(2) says.
TEST(Exec, CoreFlagIsTheKernels) {
  BEHAVIOUR("SG04");
  REQUIRES(userns);
  const ScratchDirectory directory;
  const std::string program = helper();
  const auto by_hand = answer_of_child([&] {
    if (prepare_core(directory) != 0) return Death{};
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::execl(program.c_str(), program.c_str(), "abort", nullptr);
      ::_exit(1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return Death{WTERMSIG(status), WCOREDUMP(status) != 0};
  });
  ASSERT_EQ(by_hand.signal, SIGABRT);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto seen = answer_of_child([&, &run = execute] {
      if (prepare_core(directory) != 0) return Death{};
      const auto ended = run({.argv = {program, "abort"}});
      const auto* signaled = ended ? std::get_if<Signaled>(&ended->how) : nullptr;
      return signaled != nullptr ? Death{signaled->signal, signaled->core_dumped} : Death{};
    });

    EXPECT_EQ(seen.signal, SIGABRT);
    EXPECT_EQ(seen.core_dumped, by_hand.core_dumped);
  }
}

TEST(Exec, AStoppedProgramHasNotEnded) {
  BEHAVIOUR("SG05");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Line line;
    auto running = std::async(std::launch::async, [&, &run = execute] {
      return run({.argv = {helper(), "stop", "3"}, .stdin_fd = line.far.get()});
    });

    const pid_t pid = line.read_pid();
    siginfo_t info{};
    const int stopped = ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED);
    ::kill(pid, SIGCONT);
    const auto ended = running.get();

    EXPECT_EQ(stopped, 0);
    EXPECT_EQ(info.si_status, SIGSTOP);
    EXPECT_THAT(ended, ExitsWith(3));
  }
}

}  // namespace
}  // namespace nsgate::test
