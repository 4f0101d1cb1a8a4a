// SPDX-License-Identifier: Apache-2.0
#include "support/syscall_names.h"

// Before glibc's own, which names the same requests otherwise.
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

namespace nsgate::test {
namespace {

using Words = std::map<long, const char*>;

/// MAP_DROPPABLE of linux/mman.h since Linux 6.11, which only the vDSO's getrandom uses.
constexpr unsigned long map_droppable = 0x08;

const Words plain{
    {SYS_access, "access"},
    {SYS_readlink, "readlink"},
    {SYS_capget, "capget"},
    {SYS_capset, "capset"},
    {SYS_chdir, "chdir"},
    {SYS_clone, "clone"},
    {SYS_clone3, "clone3"},
    {SYS_clock_gettime, "clock_gettime"},
    {SYS_close, "close"},
    {SYS_close_range, "close_range"},
    {SYS_execve, "execve"},
    {SYS_execveat, "execveat"},
    {SYS_exit, "exit"},
    {SYS_exit_group, "exit_group"},
    {SYS_ftruncate, "ftruncate"},
    {SYS_getdents64, "getdents64"},
    {SYS_getpid, "getpid"},
    {SYS_getppid, "getppid"},
    {SYS_getrandom, "getrandom"},
    {SYS_gettid, "gettid"},
    {SYS_kill, "kill"},
    {SYS_lseek, "lseek"},
    {SYS_madvise, "madvise"},
    {SYS_mprotect, "mprotect"},
    {SYS_munmap, "munmap"},
    {SYS_fstat, "fstat"},  // of glibc 2.41 and newer
    {SYS_newfstatat, "fstat"},
    {SYS_pipe2, "pipe2"},
    {SYS_poll, "poll"},
    {SYS_prlimit64, "prlimit"},
    {SYS_read, "read"},
    {SYS_readv, "read"},
    {SYS_rseq, "rseq"},
    {SYS_rt_sigprocmask, "rt_sigprocmask"},
    {SYS_set_robust_list, "set_robust_list"},
    {SYS_setgroups, "setgroups"},
    {SYS_setpgid, "setpgid"},
    {SYS_setresgid, "setresgid"},
    {SYS_setresuid, "setresuid"},
    {SYS_socket, "socket"},
    {SYS_tgkill, "tgkill"},
};

const Words requests{
    {NS_GET_NSTYPE, "ioctl NS_GET_NSTYPE"},
    {NS_GET_USERNS, "ioctl NS_GET_USERNS"},
    {_IO(0xFF, 4), "ioctl PIDFD_GET_NET_NAMESPACE"},
    {_IO(0xFF, 9), "ioctl PIDFD_GET_USER_NAMESPACE"},
    {FIONREAD, "ioctl FIONREAD"},
    {SIOCGSKNS, "ioctl SIOCGSKNS"},
};

const Words commands{
    {F_GETFD, "fcntl F_GETFD"},
    {F_DUPFD_CLOEXEC, "fcntl F_DUPFD_CLOEXEC"},
    {F_SETFL, "fcntl F_SETFL"},
    {F_ADD_SEALS, "fcntl F_ADD_SEALS"},
};

const Words attributes{
    {PR_SET_NAME, "prctl PR_SET_NAME"},
    {PR_SET_NO_NEW_PRIVS, "prctl PR_SET_NO_NEW_PRIVS"},
    {PR_SET_PDEATHSIG, "prctl PR_SET_PDEATHSIG"},
};

const Words joins{
    {CLONE_NEWUSER, "setns user"},
    {CLONE_NEWNET, "setns net"},
    {CLONE_NEWUSER | CLONE_NEWNET, "setns both"},
};

std::string look_up(const Words& words, long key, const char* otherwise) {
  const auto found = words.find(key);
  return found != words.end() ? found->second : otherwise + std::string(" ") + std::to_string(key);
}

/// A string in a tracee's memory, with each number as "#".
std::string path_in(pid_t tid, std::uint64_t address) {
  std::array<char, 128> bytes{};
  iovec here{bytes.data(), bytes.size() - 1};
  // Page by page: behind a string that ends near the end of its page there may be none.
  const auto in_page = std::min<std::size_t>(here.iov_len, 4096 - address % 4096);
  const std::array<iovec, 2> there{
      {{reinterpret_cast<void*>(address), in_page},
       {reinterpret_cast<void*>(address + in_page), here.iov_len - in_page}}};
  ::process_vm_readv(tid, &here, 1, there.data(), there.size(), 0);
  std::string path;
  for (const char letter : std::string(bytes.data())) {
    const bool digit = letter >= '0' && letter <= '9';
    if (!digit) path += letter;
    if (digit && !path.ends_with('#')) path += '#';
  }
  return path;
}

std::string name_of_wait(std::uint64_t options) {
  if ((options & __WCLONE) != 0) return "waitid by exit signal";
  return (options & WNOWAIT) != 0 ? "waitid of the dead" : "waitid";
}

}  // namespace

std::string name_of_call(pid_t tid, const __ptrace_syscall_info& call) {
  const auto number = static_cast<long>(call.entry.nr);
  const auto& args = call.entry.args;
  const auto word = [&](int i) { return static_cast<long>(static_cast<int>(args[i])); };
  switch (number) {
    case SYS_openat:
      return "openat " + path_in(tid, args[1]);
    case SYS_ioctl:
      return look_up(requests, static_cast<long>(args[1]), "ioctl");
    case SYS_fcntl:
      return look_up(commands, word(1), "fcntl") +
             (word(1) == F_GETFD && word(0) <= STDERR_FILENO ? " of stdio" : "");
    case SYS_prctl:
      return look_up(attributes, word(0), "prctl");
    case SYS_setns:
      return word(0) < 0 ? "setns of nothing" : look_up(joins, word(1), "setns");
    case SYS_dup3:
      return word(1) <= STDERR_FILENO ? "dup3 of stdio" : "dup3";
    case SYS_mmap:
      if ((args[3] & MAP_TYPE) == map_droppable) return "mmap for getrandom";
      if ((args[3] & MAP_SHARED) != 0) return "mmap shared";
      if ((args[3] & MAP_STACK) != 0) return "mmap of stack";
      return args[1] == 4096 ? "mmap of a page" : "mmap";
    case SYS_rt_sigaction:
      return args[1] == 0 ? "rt_sigaction asks" : "rt_sigaction sets";
    case SYS_waitid:
      return name_of_wait(args[3]);
    case SYS_pidfd_open:
      return word(0) == tid ? "pidfd_open of itself" : "pidfd_open";
    case SYS_pidfd_send_signal:
      return word(1) == 0 ? "pidfd_send_signal of none" : "pidfd_send_signal";
    case SYS_futex:
      return "futex";
    case SYS_memfd_create:
      return "memfd_create " + path_in(tid, args[0]);
    case SYS_pwrite64:
      return path_in(tid, args[1]).starts_with("\177ELF") ? "pwrite of stub" : "pwrite of stdin";
    default:
      return look_up(plain, number, "system call");
  }
}

}  // namespace nsgate::test
