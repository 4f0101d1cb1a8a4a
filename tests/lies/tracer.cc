// SPDX-License-Identifier: Apache-2.0
#include "lies/tracer.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <map>
#include <system_error>
#include <utility>

namespace nsgate::lies {
namespace {

std::system_error failure(const char* what) { return {errno, std::generic_category(), what}; }

/// Stops these calls for the tracer, in the calling process and all that it starts. 0 or an errno.
int trap(const std::vector<long>& calls) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  const auto install = [&] {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 ? 0 : errno;
  };
  const int error = install();
  if (error != EACCES) return error;
  // Without CAP_SYS_ADMIN (seccomp(2)).
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return install();
}

[[noreturn]] void become(const std::vector<std::string>& command, const std::vector<long>& calls,
                         int seized) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  char byte = 0;
  if (::read(seized, &byte, 1) != 1) ::_exit(125);
  if ((errno = trap(calls)) == 0) ::execvp(argv.front(), argv.data());
  std::perror(argv.front());
  ::_exit(125);
}

class Tracer {
 public:
  Tracer(pid_t main, const Lie& lie, bool truthful) : main_(main), lie_(lie), truthful_(truthful) {}

  Run follow() {
    while (true) {
      int status = 0;
      const pid_t task = ::waitpid(-1, &status, __WALL);
      if (task < 0 && errno == EINTR) continue;
      if (task < 0) throw failure("waitpid of tracees");
      if (WIFSTOPPED(status)) {
        stopped(task, status);
        continue;
      }
      under_way_.erase(task);
      // Whatever is left of it is killed when this tracer ends.
      if (task == main_) {
        return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), told_};
      }
    }
  }

 private:
  struct UnderWay {
    Call call;
    bool follows = false;  ///< the call behind it
    bool entered = false;  ///< that one's entry was seen
    int held_back = 0;     ///< a signal that came meanwhile
  };

  void stopped(pid_t task, int status) {
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    const auto found = under_way_.find(task);
    UnderWay* const at = found == under_way_.end() ? nullptr : &found->second;
    if (event == PTRACE_EVENT_SECCOMP) {
      if (at != nullptr && at->follows) return go_on(task);
      return at_entry(task);
    }
    if (event == PTRACE_EVENT_EXEC) {
      executed(task);
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      // It is stopped as by job control, and stays so until it is continued.
      ::ptrace(PTRACE_LISTEN, task, nullptr, nullptr);
      return;
    } else if (event == 0 && signal == (SIGTRAP | 0x80)) {
      if (at != nullptr && at->follows) return at_the_following(task, *at);
      if (at != nullptr) return at_exit(task, *at);
    } else if (event == 0) {
      if (at == nullptr || !at->follows) return go_on(task, signal);
      at->held_back = signal;
    }
    go_on(task);
  }

  void executed(pid_t task) {
    // The thread that executed has its leader's number now.
    unsigned long former = 0;
    ::ptrace(PTRACE_GETEVENTMSG, task, nullptr, &former);
    under_way_.erase(static_cast<pid_t>(former));
    under_way_.erase(task);
  }

  void at_entry(pid_t task) {
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, task, nullptr, &registers) != 0) return go_on(task);
    Call call(task, registers, truthful_);
    if (lie_.at_entry) lie_.at_entry(call);
    if (call.told() > 0) ::ptrace(PTRACE_SETREGS, task, nullptr, &call.to_enter());
    if (call.told() > 0 || lie_.at_exit) under_way_.insert_or_assign(task, UnderWay{call});
    go_on(task);
  }

  void at_exit(pid_t task, UnderWay& at) {
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, task, nullptr, &registers) != 0) return go_on(task);
    at.call.returned(static_cast<long>(registers.rax));
    if (lie_.at_exit) lie_.at_exit(at.call);
    told_ += at.call.told();
    at.follows = at.call.to_follow().has_value();
    if (at.follows) {
      ::ptrace(PTRACE_SETREGS, task, nullptr, &*at.call.to_follow());
      return go_on(task);
    }
    give_back(task, at);
  }

  void at_the_following(pid_t task, UnderWay& at) {
    if (!std::exchange(at.entered, true)) return go_on(task);
    give_back(task, at);
  }

  void give_back(pid_t task, const UnderWay& at) {
    const int signal = at.held_back;
    if (at.call.told() > 0) {
      const user_regs_struct registers = at.call.to_return();
      ::ptrace(PTRACE_SETREGS, task, nullptr, &registers);
    }
    under_way_.erase(task);
    if (signal != 0) ::syscall(SYS_tkill, task, signal);
    go_on(task);
  }

  void go_on(pid_t task, int signal = 0) {
    // A tracee that was killed is gone already, and says so by itself.
    ::ptrace(under_way_.contains(task) ? PTRACE_SYSCALL : PTRACE_CONT, task, nullptr, signal);
  }

  pid_t main_;
  const Lie& lie_;
  bool truthful_;
  std::map<pid_t, UnderWay> under_way_;
  int told_ = 0;
};

}  // namespace

Run run(const std::vector<std::string>& command, const Lie& lie, bool truthful) {
  int seized[2];
  if (::pipe2(seized, O_CLOEXEC) != 0) throw failure("pipe2");
  const pid_t child = ::fork();
  if (child < 0) throw failure("fork");
  if (child == 0) {
    ::close(seized[1]);
    become(command, lie.calls, seized[0]);
  }
  const auto options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP |
                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                       PTRACE_O_TRACEEXEC;
  if (::ptrace(PTRACE_SEIZE, child, nullptr, options) != 0) throw failure("ptrace");
  ::close(seized[0]);
  const bool told = ::write(seized[1], "s", 1) == 1;
  ::close(seized[1]);
  if (!told) throw failure("write");
  return Tracer(child, lie, truthful).follow();
}

}  // namespace nsgate::lies
