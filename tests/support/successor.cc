// SPDX-License-Identifier: Apache-2.0
#include "support/successor.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace nsgate::test {

Successor::Successor(pid_t pid) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  args.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
  args.set_tid_size = 1;
  pid_ = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "clone3 with set_tid");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
}

Successor::~Successor() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace nsgate::test
