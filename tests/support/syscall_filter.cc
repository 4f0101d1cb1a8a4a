// SPDX-License-Identifier: Apache-2.0
#include "support/syscall_filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace nsgate::test {
namespace {

int answer_syscall(long number, unsigned int action) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned int>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  // Without a capability a filter needs no_new_privs (seccomp(2)).
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    return errno;
  }
  return 0;
}

}  // namespace

int refuse_syscall(long number, int error) {
  return answer_syscall(number, SECCOMP_RET_ERRNO | static_cast<unsigned int>(error));
}

int kill_on_syscall(long number) { return answer_syscall(number, SECCOMP_RET_KILL_PROCESS); }

}  // namespace nsgate::test
