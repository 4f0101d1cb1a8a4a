// SPDX-License-Identifier: Apache-2.0
#include "nsgate/task.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "nsgate/proc_file.h"

namespace nsgate::detail {
namespace {

// uapi/linux/pidfd.h; bookworm's headers are older.
constexpr unsigned pidfd_thread = O_EXCL;                         // Linux 6.9
constexpr unsigned long pidfd_get_net_namespace = _IO(0xFF, 4);   // Linux 6.11
constexpr unsigned long pidfd_get_user_namespace = _IO(0xFF, 9);  // Linux 6.11

/// A seccomp filter's way to say that the kernel lacks a system call or an ioctl. Not for calls of
/// which the kernel itself gives EPERM.
bool unavailable(int error) { return error == ENOSYS || error == EPERM; }

const char* file_of(int type) { return type == CLONE_NEWUSER ? "ns/user" : "ns/net"; }

// glibc 2.36 declares pidfd_send_signal without C linkage, so that C++ cannot call it.
long send_nothing(int pidfd) { return ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0); }

/// Whether /proc is of another pid namespace than the caller's; nothing where that does not tell.
///
/// Whoever is in its pid namespace or below has a /proc/self, and whoever is in it or above may
/// name its /proc/1 to pidfd_send_signal(2), Linux 5.1: both together prove it the caller's own.
std::optional<bool> is_foreign_by_its_init() {
  const Fd init(::open("/proc/self/../1", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!init) {
    // Or is only /proc/1 hidden?
    if (::access("/proc/self", F_OK) != 0 && errno == ENOENT) return true;
    return std::nullopt;
  }
  if (send_nothing(init.get()) == 0) return false;
  if (errno == EINVAL) return true;
  // EPERM is the kernel's and as good as 0, unless it is what a filter says to anything.
  if (errno == EPERM && send_nothing(-1) != 0 && errno == EBADF) return false;
  return std::nullopt;
}

/// The pid behind a pidfd in the caller's own terms; 0: no pidfd, or no such process there any
/// more; -1: /proc does not tell, for the reason in errno.
pid_t pid_of(int pidfd) {
  const auto text = text_of_proc_file("/proc/thread-self/fdinfo/" + std::to_string(pidfd));
  if (!text) return -1;
  std::istringstream info(*text);
  for (std::string word; info >> word;) {
    pid_t pid = 0;
    if (word == "Pid:" && info >> pid) return pid > 0 ? pid : 0;
  }
  return 0;
}

}  // namespace

Result<void> check_namespace(int fd, int type, const std::string& shown) {
  // Of a pidfd Linux 6.12 says EINVAL unless the argument is 0 (fs/pidfs.c).
  const int found = ::ioctl(fd, NS_GET_NSTYPE, 0);
  if (found == type || (found < 0 && unavailable(errno))) return {};
  if (found < 0 && errno != ENOTTY) return std::unexpected(Error{Stage::open, errno, shown});
  Error error{Stage::open, EINVAL, shown};
  error.note = found < 0               ? "not a namespace"
               : type == CLONE_NEWUSER ? "not a user namespace, but one of another kind"
                                       : "not a network namespace, but one of another kind";
  return std::unexpected(std::move(error));
}

Error Task::error(int code, std::string note) const {
  return {Stage::open, code, shown_, 0, std::move(note)};
}

Result<Task> Task::find(const TaskName& name) {
  Task task;
  task.shown_ = name.to_string();
  if (name.pidfd) {
    task.pidfd_ = *name.pidfd;
    task.borrowed_ = true;
    return task;
  }
  task.directory_name_ = "/proc/" + std::to_string(name.process) + '/';
  if (name.thread) task.directory_name_ += "task/" + std::to_string(*name.thread) + '/';
  const pid_t id = task.id_ = name.thread.value_or(name.process);
  const unsigned flags = id != name.process ? pidfd_thread : 0;
  task.owned_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, id, flags)));
  task.pidfd_ = task.owned_.get();
  const int refused = errno;
  const bool no_threads = flags != 0 && errno == EINVAL;
  if (!task.owned_ && !unavailable(errno) && !no_threads) {
    return std::unexpected(task.error(errno));
  }
  // The kernel looks the thread up in this process; EPERM is a thread that may not be signalled.
  if (name.thread && ::syscall(SYS_tgkill, name.process, *name.thread, 0) != 0 && errno != EPERM) {
    return std::unexpected(task.error(errno));
  }
  if (!task.owned_) {
    // It stays the directory of this process when the pid is recycled, and openat then fails with
    // ESRCH (fs/proc/base.c): both namespaces are of one process without a pidfd, too.
    task.directory_ = Fd(::open(task.directory_name_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!task.directory_) return std::unexpected(task.error(errno));
    if (is_foreign_by_its_init().value_or(false)) {
      return std::unexpected(task.error(refused, "no pidfd, and /proc is of another namespace"));
    }
  }
  return task;
}

Result<Fd> Task::open_namespace(int type) {
  if (directory_) {
    return checked(Fd(::openat(directory_.get(), file_of(type), O_RDONLY | O_CLOEXEC)), type);
  }
  // The argument has to be 0 (fs/pidfs.c).
  Fd file(::ioctl(pidfd_,
                  type == CLONE_NEWUSER ? pidfd_get_user_namespace : pidfd_get_net_namespace, 0));
  if (file) return file;
  if (errno != ENOTTY && !unavailable(errno)) return std::unexpected(error(errno));
  return open_in_proc(type);
}

Result<Fd> Task::open_in_proc(int type) {
  std::string directory = directory_name_;
  if (borrowed_) {
    const pid_t process = pid_of(pidfd_);
    if (process <= 0 && !alive()) {
      // pidfd_send_signal(2) says EBADF of whatever is no pidfd.
      return std::unexpected(errno == EBADF ? error(EINVAL, "not a pidfd") : error(ESRCH));
    }
    if (process < 0) return Fd();
    if (process == 0) {
      return std::unexpected(error(EINVAL, "no pidfd of a process that this /proc shows"));
    }
    directory = "/proc/" + std::to_string(process) + '/';
  }
  auto file = checked(Fd(::open((directory + file_of(type)).c_str(), O_RDONLY | O_CLOEXEC)), type);
  // Alive still, so that what /proc had under its pid was its own all along.
  if (!alive()) return std::unexpected(error(ESRCH));
  if (!borrowed_ && !proc_is_own_ && proc_is_foreign(file.has_value())) return Fd();
  proc_is_own_ = true;
  // No /proc, or one that hides the process.
  if (!file && file.error().code == ENOENT && ::access(directory.c_str(), F_OK) != 0) return Fd();
  return file;
}

bool Task::proc_is_foreign(bool opened) const {
  if (const auto foreign = is_foreign_by_its_init()) return *foreign;
  const pid_t shown = pid_of(pidfd_);
  if (shown >= 0) return shown != id_;
  // Where fdinfo is only forbidden, by a filter or because the caller is not dumpable (before Linux
  // 5.14), /proc is believed.
  return errno == ENOENT || (opened && !unavailable(errno) && errno != EACCES);
}

Result<Fd> Task::checked(Fd file, int type) const {
  if (!file) return std::unexpected(error(errno));
  if (auto kind = check_namespace(file.get(), type, shown_); !kind) {
    return std::unexpected(kind.error());
  }
  return file;
}

bool Task::alive() const { return send_nothing(pidfd_) == 0 || unavailable(errno); }

}  // namespace nsgate::detail
