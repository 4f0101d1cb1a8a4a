// SPDX-License-Identifier: Apache-2.0
#include "support/fault_table.h"

#include <cerrno>
#include <vector>

namespace nsgate::test {
namespace {

Outcome told(Stage stage, int code = 0) { return {Outcome::Kind::told, stage, code}; }
Outcome harmless(const char* why) { return {Outcome::Kind::harmless, Stage::open, 0, why}; }

constexpr auto error = Fault::Kind::error;
constexpr auto result = Fault::Kind::result;
constexpr auto late = Fault::Kind::late_error;

const char* const filter = "a seccomp filter's, for which there is another way";
const char* const own = "one setns joins both, whatever the caller's own is";
const char* const by_fdinfo = "fdinfo of the pidfd tells whose /proc it is";
const char* const again = "it is made again";
const char* const copied = "the child is a copy of the caller instead";
const char* const copied_fd = "the child gets a copy of the descriptor";
const char* const of_glibc = "the C library goes on without";
const char* const cannot_fail = "cannot fail with these arguments";
const char* const closed_anyway = "the descriptor is closed all the same (close(2))";

// The errnos are those of the manual pages, and those that a seccomp filter is used to give.
const std::vector<FaultRow> of_opening{
    {"caller pidfd_open", {EMFILE, ENFILE, ENODEV, ENOMEM, ESRCH, EINVAL}, told(Stage::open)},
    {"caller pidfd_open", {EPERM, ENOSYS}, harmless(filter)},
    {"caller ioctl PIDFD_GET_NET_NAMESPACE", {ESRCH, EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller ioctl PIDFD_GET_NET_NAMESPACE", {ENOTTY, EPERM, ENOSYS}, harmless(filter)},
    // The first is the target's, the second the caller's own.
    {"caller ioctl PIDFD_GET_USER_NAMESPACE", {EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller ioctl PIDFD_GET_USER_NAMESPACE", {ESRCH}, told(Stage::open), error, 0},
    {"caller ioctl PIDFD_GET_USER_NAMESPACE", {ENOTTY, EPERM, ENOSYS}, harmless(filter)},
    {"caller getpid", {}, harmless(cannot_fail)},
    {"caller gettid", {}, harmless(cannot_fail)},
    {"caller pidfd_open of itself", {EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller pidfd_open of itself", {EPERM, ENOSYS}, harmless(filter)},
    {"caller tgkill", {EPERM, ENOSYS, EAGAIN}, harmless("only ESRCH says that it is gone")},
    {"caller fstat", {EACCES, ENOMEM}, harmless("one setns joins either way")},
    {"caller openat /proc/#", {EACCES, EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller openat /proc/#", {ENOENT}, harmless("setns takes the pidfd, or /proc is believed")},
    {"caller openat /proc/#/ns/net",
     {ESRCH, ENOENT, EACCES, EMFILE, ENFILE, ENOMEM},
     told(Stage::open)},
    {"caller openat /proc/#/ns/user",
     {ESRCH, ENOENT, EACCES, EMFILE, ENFILE, ENOMEM},
     told(Stage::open)},
    {"caller openat /proc/thread-self/fdinfo/#",
     {ENOENT, EACCES, EMFILE, ENFILE, ENOMEM},
     harmless("setns takes the pidfd")},
    {"caller openat /proc/self/../#",
     {ENOENT, EACCES, EMFILE, ENFILE, ENOMEM},
     harmless(by_fdinfo)},
    {"caller access /proc/self", {ENOENT, EACCES}, harmless("setns takes the pidfd")},
    {"caller openat ns/net", {ESRCH, ENOENT, EACCES, EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller openat /proc/#/task/#", {EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller openat /proc/#/task/#", {ENOENT, EACCES}, harmless(own)},
    {"caller openat ns/user", {EMFILE, ENFILE, ENOMEM}, told(Stage::open)},
    {"caller openat ns/user", {ESRCH, ENOENT, EACCES}, told(Stage::open), error, 0},
    {"caller openat ns/user", {ENOENT, EACCES}, harmless(own), error, 1},
    {"caller ioctl NS_GET_NSTYPE", {ENOMEM}, told(Stage::open)},
    {"caller ioctl NS_GET_NSTYPE", {EBADF}, told(Stage::open), error, 0},
    {"caller ioctl NS_GET_NSTYPE", {ENOTTY}, told(Stage::open, EINVAL), error, 0},
    {"caller ioctl NS_GET_NSTYPE", {EPERM, ENOSYS}, harmless(filter)},
    {"caller pidfd_send_signal of none", {ESRCH}, told(Stage::open), error, 0},
    {"caller pidfd_send_signal of none", {EPERM, ENOSYS}, harmless("alive, or the filter's")},
    {"caller pidfd_send_signal of none", {EACCES}, harmless(by_fdinfo), error, 1},
    {"caller pidfd_send_signal of none", {EINVAL}, harmless("setns takes the pidfd"), error, 1},
    {"caller close", {EINTR, EIO}, harmless(closed_anyway), late},
};

// glibc says EAGAIN for ENOMEM (pthread_create(3)).
const std::vector<FaultRow> of_threads{
    {"caller mmap of stack", {ENOMEM, EAGAIN}, told(Stage::thread, EAGAIN)},
    // glibc 2.42 guards a stack by MADV_GUARD_INSTALL, and by mprotect where that is refused.
    {"caller madvise", {ENOMEM, EINVAL}, harmless(of_glibc)},
    {"caller mprotect", {ENOMEM}, told(Stage::thread, EAGAIN)},
    {"caller clone3", {EAGAIN, ENOMEM}, told(Stage::thread, EAGAIN)},
    {"caller clone3", {EPERM}, told(Stage::thread)},
    {"caller clone3", {ENOSYS}, harmless("the C library calls clone(2)")},
    {"caller rt_sigaction sets", {}, harmless(cannot_fail)},
    {"caller rt_sigprocmask", {}, harmless(cannot_fail)},
    {"caller futex", {EINTR, EAGAIN}, harmless(again)},
    {"worker rseq", {}, harmless("it did not fail in the first thread (glibc ends the process)")},
    {"worker set_robust_list", {EINVAL, ENOSYS}, harmless(of_glibc)},
    {"worker rt_sigprocmask", {}, harmless(cannot_fail)},
    {"worker setns net", {EPERM, EINVAL, ENOMEM, EBADF, ENOSYS}, told(Stage::setns_net)},
    {"worker madvise", {EAGAIN, ENOMEM}, harmless(of_glibc)},
    {"worker exit", {}, harmless(cannot_fail)},
};

const std::vector<FaultRow> of_preparing{
    {"caller mmap shared", {ENOMEM, EAGAIN, ENFILE, EPERM}, told(Stage::pipe)},
    {"caller rt_sigaction asks", {ENOSYS}, harmless(copied)},
    {"caller readlink", {ENOENT, EACCES, ENOMEM}, harmless(copied)},
    {"caller memfd_create nsgate",
     {EMFILE, ENFILE, ENOMEM, EPERM, EACCES, ENOSYS},
     harmless(copied)},
    {"caller memfd_create nsgate", {EINVAL}, harmless("MFD_EXEC is left out, Linux 6.3")},
    {"caller pwrite of stub", {ENOSPC, ENOMEM, EIO, EINTR}, harmless(copied)},
    {"caller pwrite of stub", {0, 1, 1000}, harmless(copied), result},
    {"caller fcntl F_ADD_SEALS", {EPERM, EINVAL, EBUSY}, harmless(copied)},
    // glibc 2.41 keeps the states of the vDSO's getrandom, Linux 6.11, in two mappings for good.
    {"caller mmap for getrandom", {ENOMEM, EAGAIN}, harmless("libc asks the kernel instead")},
    {"caller mmap of a page", {ENOMEM, EAGAIN}, harmless("libc asks the kernel instead")},
    {"caller getrandom", {EINTR, ENOSYS}, harmless("a program that guesses hides its own end")},
    {"caller capget", {EPERM, ENOSYS}, harmless(copied)},
    {"caller prlimit", {EPERM, ENOSYS}, harmless("no limit is known")},
    {"caller openat /dev/null", {EMFILE, ENFILE, ENOENT, EACCES, ENXIO, ENOMEM}, told(Stage::pipe)},
    {"caller memfd_create stdin", {EMFILE, ENFILE, ENOMEM, ENOSYS}, told(Stage::pipe)},
    {"caller pwrite of stdin", {ENOSPC, ENOMEM, EIO, EFBIG}, told(Stage::pipe)},
    {"caller pwrite of stdin", {EINTR}, harmless(again)},
    {"caller pwrite of stdin", {0}, harmless(again), result, 0},
    // What the command names must be open; what core holds already is copied instead.
    {"caller fcntl F_GETFD of stdio", {EBADF}, told(Stage::pipe)},
    {"caller fcntl F_GETFD", {EBADF}, harmless(copied_fd)},
    {"caller fcntl F_DUPFD_CLOEXEC", {EMFILE, EINVAL}, told(Stage::pipe)},
    {"caller fcntl F_SETFL", {EPERM, ENOMEM}, told(Stage::pipe)},
    {"caller pipe2", {EMFILE, ENFILE, ENOMEM}, told(Stage::pipe)},
    {"caller clone", {EAGAIN, ENOMEM, EMFILE, ENOSPC, EPERM, ENOSYS}, told(Stage::clone)},
};

const std::vector<int> of_setns{EPERM, EINVAL, ENOMEM, EBADF, ENOSYS, EUSERS};
const std::vector<int> of_execve{E2BIG,   EACCES,  EAGAIN, EINVAL, EIO,    EISDIR,
                                 ELIBBAD, ELOOP,   EMFILE, ENFILE, ENOENT, ENOEXEC,
                                 ENOMEM,  ENOTDIR, EPERM,  ETXTBSY};
const char* const denied = "a user namespace may forbid it (user_namespaces(7))";
const char* const by_execve = "execve(2) resets handlers by itself";

/// The child, in its three variants: `who` is child or stub.
std::vector<FaultRow> of_entering(const char* who) {
  static std::vector<std::string> names;
  names.reserve(100);
  const auto by = [&](const char* call) {
    return names.emplace_back(who + std::string(" ") + call).c_str();
  };
  return {
      {by("setns user"), of_setns, told(Stage::setns_user)},
      {by("setns net"), of_setns, told(Stage::setns_net)},
      {by("setns both"), of_setns, told(Stage::setns_both)},
      {by("close"), {EINTR, EIO}, harmless(closed_anyway), late},
      {by("setpgid"), {EPERM, EACCES}, told(Stage::credentials)},
      {by("setgroups"), {EINVAL, ENOMEM, ENOSYS}, told(Stage::credentials)},
      {by("setresgid"), {EPERM, EINVAL, ENOMEM}, told(Stage::credentials)},
      {by("setresuid"), {EPERM, EINVAL, EAGAIN, ENOMEM}, told(Stage::credentials)},
      {by("prctl PR_SET_NO_NEW_PRIVS"), {EINVAL, EPERM}, told(Stage::credentials)},
      {by("prctl PR_SET_PDEATHSIG"), {EINVAL, EPERM}, told(Stage::credentials)},
      {by("getppid"), {}, harmless(cannot_fail)},
      {by("chdir"), {ENOENT, EACCES, ELOOP, ENOTDIR, EIO, ENOMEM}, told(Stage::directory)},
      {by("rt_sigaction asks"), {EINVAL}, harmless(by_execve)},
      {by("rt_sigaction sets"), {EINVAL}, harmless(by_execve)},
      {by("rt_sigprocmask"), {}, harmless(cannot_fail)},
      {by("execve"), of_execve, told(Stage::exec)},
      {by("exit_group"), {}, harmless(cannot_fail)},
  };
}

const std::vector<FaultRow> of_children{
    {"child setgroups", {EPERM}, harmless(denied)},
    {"stub setgroups", {EPERM}, harmless(denied)},
    {"child dup3 of stdio", {EBADF, EBUSY, EINTR, EMFILE}, told(Stage::stdio)},
    {"child dup3", {EBADF, EBUSY, EINTR, EMFILE}, told(Stage::descriptors)},
    {"child close_range", {EMFILE, ENOMEM, EINVAL}, told(Stage::descriptors)},
    {"child close_range", {ENOSYS, EPERM}, harmless("/proc tells what to close")},
    // Told is that close_range is missing.
    {"child openat /proc/self/fd", {ENOENT, EACCES, EMFILE}, told(Stage::descriptors, ENOSYS)},
    {"child getdents64", {ENOENT, EINVAL}, told(Stage::descriptors, ENOSYS)},
    {"child execveat", {E2BIG}, told(Stage::exec)},
    {"child execveat", {EACCES, EPERM, ENOENT, ENOEXEC, ENOMEM, EAGAIN, ENOSYS}, harmless(copied)},
    {"stub lseek", {EPERM, ESPIPE}, harmless(copied)},
    {"stub mmap shared", {ENOMEM, EAGAIN, EPERM, EACCES}, harmless(copied)},
    {"stub prctl PR_SET_NAME", {EPERM}, harmless("only a signal's time is told less sharply")},
    {"stub capset", {EPERM, EINVAL}, harmless(copied)},
};

const std::vector<FaultRow> of_collecting{
    // A system call where the vDSO has no clock to read, as in a guest whose TSC is not trusted.
    {"caller clock_gettime", {}, harmless(cannot_fail)},
    {"caller poll", {EINTR}, harmless(again)},
    // Again and again would be forever.
    {"caller poll", {ENOMEM, EINVAL, ENOSYS, EPERM}, told(Stage::wait), error, FaultRow::all},
    {"caller ioctl FIONREAD",
     {EPERM, ENOSYS, ENOTTY},
     harmless("as much as a pipe holds is read"),
     error,
     FaultRow::all},
    {"caller read", {EINTR}, harmless(again)},
    {"caller waitid by exit signal", {EINTR}, harmless(again)},
    {"caller waitid of the dead", {EINTR}, harmless(again)},
    {"caller waitid", {EINTR}, harmless(again)},
    {"caller waitid", {ECHILD}, {Outcome::Kind::unknown}, late},
    {"caller munmap", {}, harmless(cannot_fail)},
};

}  // namespace

std::span<const FaultRow> fault_table() {
  static const std::vector<FaultRow> table = [] {
    std::vector<FaultRow> all;
    for (const auto& rows : {of_opening, of_threads, of_preparing, of_entering("child"),
                             of_entering("stub"), of_children, of_collecting}) {
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  }();
  return table;
}

}  // namespace nsgate::test
