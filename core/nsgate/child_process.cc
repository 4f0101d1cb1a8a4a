// SPDX-License-Identifier: Apache-2.0
#include "nsgate/child_process.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "nsgate/proc_file.h"

namespace nsgate::detail {
namespace {

/// A handler of the caller's that ran in the child would run in the caller's memory.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

/// The name of a process that has ended and is not reaped yet; proc_pid_stat(5): in parentheses.
/// Nothing where it cannot be read, as when no descriptor is left.
std::optional<std::string> name_of(pid_t pid) {
  const auto line = text_of_proc_file("/proc/" + std::to_string(pid) + "/stat");
  if (!line) return std::nullopt;
  const auto begin = line->find('(');
  const auto end = line->rfind(')');
  if (end == std::string::npos) return std::nullopt;
  return line->substr(begin + 1, end - begin - 1);
}

}  // namespace

std::expected<ChildProcess, int> ChildProcess::start(ChildPlan& plan, Memory memory) {
  // Enough for the child; the kernel uses a stack of its own for execve.
  alignas(16) std::array<char, 16384> stack;
  // No exit signal: see became_program.
  const unsigned long flags = CLONE_VFORK | CLONE_PIDFD | (memory == Memory::shared ? CLONE_VM : 0);
  int pidfd = -1;
  const AllSignalsBlocked blocked;
  const long pid = start_child(flags, stack.data() + stack.size(), &pidfd, plan);
  if (pid < 0) return std::unexpected(static_cast<int>(-pid));
  return ChildProcess(plan, static_cast<pid_t>(pid), pidfd);
}

ChildProcess::ChildProcess(const ChildPlan& plan, pid_t pid, int pidfd)
    : record_(&plan.record),
      stub_name_(plan.message >= 0 ? plan.name : ""),
      leads_group_(plan.own_group),
      pid_(pid),
      pidfd_(pidfd) {}

ChildProcess::~ChildProcess() {
  if (!pidfd_) return;
  kill();
  siginfo_t info{};
  wait_for(info, WEXITED);
}

void ChildProcess::kill() const {
  // The child is not reaped yet, so that its pid and its group's are nobody else's.
  if (leads_group_) ::kill(-pid_, SIGKILL);
  // glibc 2.36 declares pidfd_send_signal without C linkage, so that C++ cannot call it.
  const long sent = ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  // A filter's refusal. The pid may be another's by now where SIGCHLD is ignored, but a program
  // that nobody ends would be waited for without end.
  if (sent != 0 && (errno == ENOSYS || errno == EPERM)) ::kill(pid_, SIGKILL);
}

std::optional<End> ChildProcess::wait(int& signal) {
  const std::optional<bool> program = became_program();
  siginfo_t info{};
  const int error = wait_for(info, WEXITED);
  pidfd_.reset();
  signal = error == 0 && info.si_code != CLD_EXITED ? info.si_status : 0;
  if (program == false) return std::nullopt;
  if (error != 0 || !program) return Unknown{};
  if (signal == 0) return Exited{info.si_status};
  return Signaled{signal, info.si_code == CLD_DUMPED};
}

Record ChildProcess::record() const {
  return {record_->stage, record_->code, record_->in_stub, record_->stub_refused};
}

int ChildProcess::wait_for(siginfo_t& info, int options) const {
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, options | __WALL) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

std::optional<bool> ChildProcess::became_program() const {
  if (!began_to_execute()) return false;
  siginfo_t info{};
  if (stub_name_.empty()) {
    // The child was created without an exit signal, and execve(2) gave it SIGCHLD (de_thread in
    // fs/exec.c); __WCLONE asks for children with another one than SIGCHLD.
    const int clones = WEXITED | WNOHANG | WNOWAIT | static_cast<int>(__WCLONE);
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, clones) != 0) {
      if (errno != EINTR) return true;
    }
    return false;
  }
  if (!record_->in_stub) return false;
  // Executing the stub has changed the exit signal already. But only a signal can end the stub
  // without a word in the record, and then the dead still has the stub's name, which the program
  // cannot know.
  const int error = wait_for(info, WEXITED | WNOWAIT);
  if (error != 0 || info.si_code == CLD_EXITED) return true;
  const auto name = name_of(pid_);
  return name ? std::optional(*name != stub_name_) : std::nullopt;
}

}  // namespace nsgate::detail
