// SPDX-License-Identifier: Apache-2.0
#include "nsgate/child.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>

#include "nsgate/command.h"
#include "nsgate/sys.h"

namespace nsgate::detail {
namespace {

/// One past the last signal number of Linux (_NSIG of the kernel), and its set of signals.
constexpr int signal_end = 65;
using KernelSignalSet = std::uint64_t;

/// sigaction as the kernel has it (uapi/asm/signal.h); glibc's is another.
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  KernelSignalSet mask;
};

template <typename T>
const T* at(const ChildPlan& plan, Offset offset) noexcept {
  return reinterpret_cast<const T*>(reinterpret_cast<const char*>(&plan) + offset);
}

/// Begins a stage; the calls that follow may fail in it.
class Step {
 public:
  Step(ChildPlan& plan, Stage stage) noexcept : record_(plan.record) { record_.stage = stage; }
  /// Records a failure. True: `result` is none.
  bool went(long result) const noexcept {
    if (result >= 0) return true;
    record_.code = static_cast<int>(-result);
    return false;
  }
  void stub_refused(long result) const noexcept {
    record_.stub_refused = static_cast<int>(-result);
  }

 private:
  volatile Record& record_;
};

struct Entry {  // linux_dirent64, getdents(2)
  std::uint64_t inode;
  std::int64_t next;
  unsigned short length;
  unsigned char type;
  char name[1];
};

int number_in(const char* text) noexcept {
  int number = 0;
  for (; *text >= '0' && *text <= '9'; ++text) number = number * 10 + (*text - '0');
  return *text == '\0' ? number : -1;
}

/// close_range(2) where there is none: Linux older than 5.9, or a seccomp filter older than that,
/// which answers EPERM (opencontainers/runc#2151). 0 or -errno.
long close_by_listing(int first, int last) noexcept {
  const long list =
      sys(SYS_openat, AT_FDCWD, word("/proc/self/fd"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list < 0) return list;
  alignas(Entry) char buffer[2048];
  long size = 0;
  while ((size = sys(SYS_getdents64, list, word(buffer), sizeof buffer)) > 0) {
    for (long place = 0; place < size;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + place);
      place += entry->length;
      const int fd = number_in(entry->name);
      if (fd >= first && fd <= last && fd != list) sys(SYS_close, fd);
    }
  }
  sys(SYS_close, list);
  return size;
}

long close_all(int first, int last) noexcept {
  const long closed = sys(SYS_close_range, first, static_cast<unsigned>(last), 0);
  if (closed != -ENOSYS && closed != -EPERM) return closed;
  return close_by_listing(first, last) < 0 ? closed : 0;
}

/// No handler of the caller's left: one that ran here could run in the caller's memory. Ignored
/// signals stay ignored, as nohup(1) needs, SIGPIPE excepted: a program that meets a closed pipe is
/// expected to die of it. Then the mask empty.
void reset_signals(bool fresh) noexcept {
  const KernelSigaction standard{};
  sys(SYS_rt_sigaction, SIGPIPE, word(&standard), 0, sizeof(KernelSignalSet));
  for (int signal = 1; !fresh && signal < signal_end; ++signal) {
    KernelSigaction current{};
    sys(SYS_rt_sigaction, signal, 0, word(&current), sizeof(KernelSignalSet));
    if (current.handler != reinterpret_cast<void*>(SIG_DFL) &&
        current.handler != reinterpret_cast<void*>(SIG_IGN)) {
      sys(SYS_rt_sigaction, signal, word(&standard), 0, sizeof(KernelSignalSet));
    }
  }
  const KernelSignalSet none = 0;
  sys(SYS_rt_sigprocmask, SIG_SETMASK, word(&none), 0, sizeof none);
}

bool join(ChildPlan& plan) noexcept {
  for (int i = 0; i < plan.step_count; ++i) {
    const Step step(plan, plan.steps[i].stage);
    if (!step.went(sys(SYS_setns, plan.base + i, plan.steps[i].types))) return false;
    sys(SYS_close, plan.base + i);
  }
  return true;
}

bool take_credentials(ChildPlan& plan) noexcept {
  const Step step(plan, Stage::credentials);
  if (plan.own_group && !step.went(sys(SYS_setpgid, 0, 0))) return false;
  if (plan.become) {
    const long groups = sys(SYS_setgroups, plan.group_count, word(at<gid_t>(plan, plan.groups)));
    if (!(groups == -EPERM && plan.keep_denied_groups) && !step.went(groups)) return false;
    // The group first: setresuid takes the right to it away.
    if (!step.went(sys(SYS_setresgid, plan.gid, plan.gid, plan.gid))) return false;
    if (!step.went(sys(SYS_setresuid, plan.uid, plan.uid, plan.uid))) return false;
  }
  if (plan.no_new_privs && !step.went(sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1))) return false;
  if (plan.parent_death_signal != 0) {
    // Now, because joining a user namespace and changing ids clear it (commit_creds in
    // kernel/cred.c); and a parent that ended before would never be noticed.
    if (!step.went(sys(SYS_prctl, PR_SET_PDEATHSIG, plan.parent_death_signal))) return false;
    // 0: the parent is in a pid namespace above, and still there, for who is left there is given a
    // parent below.
    const long parent = sys(SYS_getppid);
    if (parent != 0 && parent != plan.parent) {
      sys(SYS_kill, sys(SYS_getpid), plan.parent_death_signal);
    }
  }
  return true;
}

/// Tries the paths as execvp(3) does: a missing one is passed over, and EACCES is told when no
/// later one can be executed.
void execute(ChildPlan& plan) noexcept {
  const Step step(plan, Stage::exec);
  const char* program = at<char>(plan, plan.programs);
  bool denied = false;
  long error = -ENOENT;
  for (int i = 0; i < plan.program_count; ++i) {
    error = sys(SYS_execve, word(program), word(plan.argv), word(plan.envp));
    if (error != -EACCES && error != -ENOENT && error != -ENOTDIR) break;
    denied = denied || error == -EACCES;
    if (denied) error = -EACCES;
    while (*program++ != '\0') {
    }
  }
  step.went(error);
}

}  // namespace

bool arrange(ChildPlan& plan, bool for_stub) noexcept {
  const Step stdio(plan, Stage::stdio);
  const int standard[] = {plan.in, plan.out, plan.err};
  for (int fd = 0; plan.in >= 0 && fd < 3; ++fd) {
    if (!stdio.went(sys(SYS_dup3, standard[fd], fd, 0))) return false;
  }
  const Step descriptors(plan, Stage::descriptors);
  if (plan.base > 3 && !descriptors.went(close_all(3, plan.base - 1))) return false;
  const auto* passed = at<Command::Passed>(plan, plan.passed);
  for (int i = 0; i < plan.passed_count; ++i) {
    if (!descriptors.went(sys(SYS_dup3, passed[i].fd, passed[i].as, 0))) return false;
  }
  for (int i = 0; i < plan.step_count; ++i) {
    if (!descriptors.went(sys(SYS_dup3, plan.steps[i].fd, plan.base + i, 0))) return false;
  }
  const int message = plan.base + plan.step_count;
  if (for_stub && !descriptors.went(sys(SYS_dup3, plan.message, message, 0))) return false;
  return descriptors.went(close_all(for_stub ? message + 1 : message, INT_MAX));
}

void enter(ChildPlan& plan, bool fresh) noexcept {
  if (!join(plan) || !take_credentials(plan)) return;
  if (plan.directory != 0) {
    const Step step(plan, Stage::directory);
    if (!step.went(sys(SYS_chdir, word(at<char>(plan, plan.directory))))) return;
  }
  reset_signals(fresh);
  execute(plan);
}

namespace {

[[noreturn]] void run_child(void* argument) noexcept {
  auto& plan = *static_cast<ChildPlan*>(argument);
  const bool for_stub = plan.message >= 0;
  if (arrange(plan, for_stub)) {
    if (for_stub) {
      const Step step(plan, Stage::exec);
      // Until the stub has mapped the plan it cannot tell why it did not.
      step.stub_refused(-ENOMEM);
      const long error = sys(SYS_execveat, plan.base + plan.step_count, word(""), word(plan.argv),
                             word(plan.envp), AT_EMPTY_PATH);
      // E2BIG is the program's, with whose arguments the stub is executed.
      step.stub_refused(error == -E2BIG ? 0 : error);
      if (error == -E2BIG) step.went(error);
    } else {
      enter(plan, false);
    }
  }
  while (true) sys(SYS_exit_group, 127);
}

}  // namespace

long start_child(unsigned long flags, void* stack_end, int* pidfd, ChildPlan& plan) noexcept {
  return sys_clone(flags, stack_end, pidfd, &run_child, &plan);
}

}  // namespace nsgate::detail
