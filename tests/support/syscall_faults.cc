// SPDX-License-Identifier: Apache-2.0
#include "support/syscall_faults.h"

#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <new>
#include <system_error>

#include "support/leftovers.h"
#include "support/syscall_filter.h"
#include "support/syscall_names.h"

namespace nsgate::test {
namespace {

// No kernel has a system call of these numbers.
constexpr long begin_mark = 100'001;
constexpr long end_mark = 100'002;
// One of another architecture's, which nobody makes here.
constexpr long forbidden = SYS_uselib;

/// What the tracee answers, in memory that both see.
struct Answer {
  Ended ended;
  bool whole;
  char left_behind[8192];
};

[[noreturn]] void live(const std::function<Ended()>& operation, bool with_filter, Answer& answer) {
  // A heap that never asks the kernel during the operation: memory for C++ is not what is tried.
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::free(::malloc(1 << 20));
  if (with_filter) kill_on_syscall(forbidden);
  const Leftovers before;
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  ::raise(SIGSTOP);
  ::syscall(begin_mark);
  answer.ended = operation();
  ::syscall(end_mark);
  const std::string found = before.found();
  std::strncpy(answer.left_behind, found.c_str(), sizeof answer.left_behind - 1);
  answer.whole = true;
  ::_exit(0);
}

/// Makes waitpid(2) of the tracer return now and then, so that it can look at the clock.
class Ticks {
 public:
  Ticks() {
    struct sigaction ignore {};
    ignore.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &ignore, &before_);
    const itimerval every_second{{1, 0}, {1, 0}};
    ::setitimer(ITIMER_REAL, &every_second, nullptr);
  }
  Ticks(const Ticks&) = delete;
  ~Ticks() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
};

class Tracer {
 public:
  Tracer(pid_t tracee, const std::vector<Fault>& faults, Trace& trace)
      : main_(tracee), faults_(faults), trace_(trace) {
    tasks_[main_].who = "caller";
  }

  void run() {
    const Ticks ticks;
    // Many times what the slowest guest needs.
    for (int seconds = 0; seconds < 20;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL);
      if (pid < 0 && errno == EINTR) {
        ++seconds;
      } else if (pid < 0) {
        throw std::system_error(errno, std::generic_category(), "waitpid of tracees");
      } else if (WIFSTOPPED(status)) {
        stopped(pid, status);
      } else {
        tasks_.erase(pid);
        if (pid == main_) return;
      }
    }
    for (const auto& [pid, task] : tasks_) trace_.hang += task.who + ": " + task.call + "\n";
    for (const auto& [pid, task] : tasks_) ::kill(pid, SIGKILL);
    ::waitpid(main_, nullptr, __WALL);
  }

 private:
  struct Task {
    std::string who;   // empty: its maker has not told yet
    std::string call;  // the last one
    bool answered = false;
    long answer = 0;
    bool kill_at_exit = false;
    bool was_stopped = false;
  };

  void stopped(pid_t pid, int status) {
    Task& task = tasks_[pid];
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (pid == main_ && !std::exchange(task.was_stopped, true)) {
      ::ptrace(PTRACE_SETOPTIONS, pid, nullptr,
               PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC);
      go_on(pid);
    } else if (task.who.empty()) {
      task.was_stopped = true;
    } else if (event == PTRACE_EVENT_EXEC) {
      executed(pid, task);
    } else if (event != 0) {
      made(pid, event);
    } else if (signal == (SIGTRAP | 0x80)) {
      at_call(pid, task);
    } else if (signal == SIGSTOP && !std::exchange(task.was_stopped, true)) {
      go_on(pid);
    } else {
      go_on(pid, signal);
    }
  }

  /// A task was made, which may have been seen already.
  void made(pid_t maker, int event) {
    unsigned long pid = 0;
    ::ptrace(PTRACE_GETEVENTMSG, maker, nullptr, &pid);
    Task& task = tasks_[static_cast<pid_t>(pid)];
    task.who = event == PTRACE_EVENT_CLONE ? "worker" : "child";
    if (task.was_stopped) go_on(static_cast<pid_t>(pid));
    go_on(maker);
  }

  void executed(pid_t pid, Task& task) {
    if (task.call.ends_with("execveat")) {
      task.who = "stub";
      return go_on(pid);
    }
    const auto wanted = [&](const Fault& fault) {
      return fault.call == "program" && fault.kind == Fault::Kind::kill_at_entry;
    };
    if (std::ranges::any_of(faults_, wanted)) {
      ++trace_.faults;
      ::kill(pid, SIGKILL);
    }
    ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
    tasks_.erase(pid);
  }

  void at_call(pid_t pid, Task& task) {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      if (std::exchange(task.answered, false))
        set(pid, offsetof(user_regs_struct, rax), task.answer);
      if (std::exchange(task.kill_at_exit, false)) ::kill(pid, SIGKILL);
      return go_on(pid);
    }
    const auto number = static_cast<long>(info.entry.nr);
    if (pid == main_ && number == begin_mark) recording_ = true;
    if (pid == main_ && number == end_mark) {
      recording_ = false;
      ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
      return;
    }
    if (recording_ && number != begin_mark) at_entry(pid, task, name_of_call(pid, info));
    go_on(pid);
  }

  void at_entry(pid_t pid, Task& task, const std::string& name) {
    task.call = task.who + " " + name;
    trace_.calls.push_back(task.call);
    const int nth = counts_[task.call]++;
    for (const auto& fault : faults_) {
      if (fault.call != task.call || (fault.nth >= 0 && fault.nth != nth)) continue;
      ++trace_.faults;
      return inject(pid, task, fault);
    }
  }

  static void inject(pid_t pid, Task& task, const Fault& fault) {
    constexpr auto number = offsetof(user_regs_struct, orig_rax);
    switch (fault.kind) {
      case Fault::Kind::error:
      case Fault::Kind::result:
        set(pid, number, -1);
        task.answered = true;
        task.answer = fault.kind == Fault::Kind::error ? -fault.value : fault.value;
        break;
      case Fault::Kind::late_error:
        task.answered = true;
        task.answer = -fault.value;
        break;
      case Fault::Kind::kill_at_entry:
        ::kill(pid, SIGKILL);
        break;
      case Fault::Kind::kill_at_exit:
        task.kill_at_exit = true;
        break;
      case Fault::Kind::forbid:
        set(pid, number, forbidden);
        break;
    }
  }

  static void set(pid_t pid, std::size_t place, long value) {
    ::ptrace(PTRACE_POKEUSER, pid, place, value);
  }
  static void go_on(pid_t pid, int signal = 0) {
    // A tracee that was killed is gone already, and says so by itself.
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, signal);
  }

  pid_t main_;
  const std::vector<Fault>& faults_;
  Trace& trace_;
  std::map<pid_t, Task> tasks_;
  std::map<std::string, int> counts_;
  bool recording_ = false;
};

}  // namespace

Trace trace(const std::function<Ended()>& operation, const std::vector<Fault>& faults) {
  void* shared =
      ::mmap(nullptr, sizeof(Answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  auto& answer = *new (shared) Answer{};
  const bool with_filter = std::ranges::any_of(
      faults, [](const auto& fault) { return fault.kind == Fault::Kind::forbid; });
  const pid_t pid = ::fork();
  if (pid == 0) live(operation, with_filter, answer);
  Trace result{};
  if (pid > 0) Tracer(pid, faults, result).run();
  result.ended = answer.ended;
  result.left_behind = answer.whole ? answer.left_behind : "the caller did not survive\n";
  ::munmap(shared, sizeof(Answer));
  return result;
}

}  // namespace nsgate::test
