// SPDX-License-Identifier: Apache-2.0
//
// Children, signals, and what a process is.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstddef>

#include "lies/lies.h"

namespace nsgate::lies {
namespace {

/// The call returns 0 and does nothing.
Lie nothing_done(std::string name, std::string what, long number) {
  return {std::move(name), std::move(what), {number}, [](Call& call) { call.answer(0); }};
}

Lie prctl_does_nothing(std::string name, std::string what, long attribute) {
  return {std::move(name), std::move(what), {SYS_prctl}, [=](Call& call) {
            if (call.argument(0) == attribute) call.answer(0);
          }};
}

/// The call finds whom it has to say ESRCH of.
Lie finds_the_dead(std::string name, std::string what, long number) {
  return {std::move(name), std::move(what), {number}, nullptr, [](Call& call) {
            if (call.result() == -ESRCH) call.set_result(0);
          }};
}

Lie execve_says(std::string name, std::string what, int instead, int truth) {
  return {std::move(name), std::move(what), {SYS_execve, SYS_execveat}, nullptr, [=](Call& call) {
            if (call.result() == -truth) call.set_result(-instead);
          }};
}

/// waitid(2) tells something else of the end of a child.
Lie end_is(std::string name, std::string what, std::function<void(siginfo_t&)> change) {
  return {std::move(name), std::move(what), {SYS_waitid}, nullptr, [=](Call& call) {
            auto info = call.read<siginfo_t>(call.argument(2));
            if (call.result() != 0 || call.argument(2) == 0 || info.si_signo != SIGCHLD) return;
            change(info);
            call.write(call.argument(2), info);
          }};
}

}  // namespace

std::vector<Lie> lies_of_processes() {
  return {
      end_is("waitid-adds-one", "waitid(2) gives another status",
             [](siginfo_t& info) { ++info.si_status; }),
      end_is("waitid-says-exited", "waitid(2) takes a death by signal for an exit",
             [](siginfo_t& info) { info.si_code = CLD_EXITED; }),
      end_is("waitid-says-no-core", "waitid(2) does not know of a core dump",
             [](siginfo_t& info) {
               if (info.si_code == CLD_DUMPED) info.si_code = CLD_KILLED;
             }),
      {"waitid-ignores-the-exit-signal",
       "waitid(2) does not know __WCLONE",
       {SYS_waitid},
       [](Call& call) { call.set_argument(3, call.argument(3) & ~long{__WCLONE}); }},
      finds_the_dead("pidfd-signal-reaches-the-dead",
                     "pidfd_send_signal(2) succeeds with a dead process", SYS_pidfd_send_signal),
      finds_the_dead("tgkill-finds-every-thread",
                     "tgkill(2) finds a thread that is none of the process", SYS_tgkill),
      {"getpid-is-stale",
       "getpid(2) is that of the parent in a process that was forked",
       {SYS_getpid},
       nullptr,
       [first = 0L](Call& call) mutable {
         if (first == 0) first = call.result();
         call.set_result(first);
       }},
      {"getppid-is-one",
       "getppid(2) is 1",
       {SYS_getppid},
       nullptr,
       [](Call& call) { call.set_result(1); }},
      prctl_does_nothing("death-signal-is-not-set", "PR_SET_PDEATHSIG does nothing",
                         PR_SET_PDEATHSIG),
      {"dumpable-is-always-one",
       "PR_GET_DUMPABLE says 1",
       {SYS_prctl},
       nullptr,
       [](Call& call) {
         if (call.argument(0) == PR_GET_DUMPABLE) call.set_result(1);
       }},
      nothing_done("setgroups-does-nothing", "setgroups(2) does nothing", SYS_setgroups),
      nothing_done("setresgid-does-nothing", "setresgid(2) does nothing", SYS_setresgid),
      nothing_done("setresuid-does-nothing", "setresuid(2) does nothing", SYS_setresuid),
      nothing_done("setpgid-does-nothing", "setpgid(2) does nothing", SYS_setpgid),
      nothing_done("chdir-does-nothing", "chdir(2) does nothing", SYS_chdir),
      nothing_done("capset-does-nothing", "capset(2) does nothing", SYS_capset),
      {"setgroups-asks-for-no-right",
       "setgroups(2) succeeds where a user namespace denies it",
       {SYS_setgroups},
       nullptr,
       [](Call& call) {
         if (call.result() == -EPERM) call.set_result(0);
       }},
      {"capget-sees-no-capability",
       "capget(2) says that there is no capability",
       {SYS_capget},
       nullptr,
       [](Call& call) {
         struct Sets {
           __user_cap_data_struct parts[2];
         };
         if (call.result() == 0 && call.argument(1) != 0) call.write(call.argument(1), Sets{});
       }},
      {"signal-mask-stays",
       "rt_sigprocmask(2) cannot empty a mask",
       {SYS_rt_sigprocmask},
       [](Call& call) {
         const bool sets = call.argument(0) == SIG_SETMASK && call.argument(1) != 0;
         if (sets && call.read<unsigned long>(call.argument(1)) == 0) call.answer(0);
       }},
      {"sigpipe-stays-ignored",
       "rt_sigaction(2) leaves an ignored SIGPIPE ignored",
       {SYS_rt_sigaction},
       [](Call& call) {
         const bool sets = call.argument(0) == SIGPIPE && call.argument(1) != 0;
         if (sets && call.read<long>(call.argument(1)) == 0) call.answer(0);
       }},
      execve_says("execve-says-enoent-for-eacces", "execve(2) says ENOENT instead of EACCES",
                  ENOENT, EACCES),
      execve_says("execve-says-einval-for-enoexec", "execve(2) says EINVAL instead of ENOEXEC",
                  EINVAL, ENOEXEC),
      execve_says("execve-says-enomem-for-e2big", "execve(2) says ENOMEM instead of E2BIG", ENOMEM,
                  E2BIG),
  };
}

}  // namespace nsgate::lies
