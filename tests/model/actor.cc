// SPDX-License-Identifier: Apache-2.0
#include "model/actor.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>

#include "model/capability_step.h"
#include "model/parcel.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"

namespace nsgate::model {
namespace {

// uapi/linux/pidfd.h and asm-generic/socket.h; the system's headers may be older.
constexpr unsigned long pidfd_get_net_namespace = _IO(0xFF, 4);
constexpr unsigned long pidfd_get_user_namespace = _IO(0xFF, 9);
constexpr int so_netns_cookie = 71;

/// An actor whose director is gone.
constexpr int patience_milliseconds = 120000;

Done done(long result) { return {.error = result < 0 ? errno : 0}; }

ino_t inode_of(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 ? status.st_ino : 0;
}

ino_t own_netns() { return inode_of("/proc/thread-self/ns/net"); }

int write_file(const char* path, const std::string& text) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  const auto size = static_cast<ssize_t>(text.size());
  return ::write(file.get(), text.data(), text.size()) == size ? 0 : errno;
}

/// The number of this process's threads.
nlink_t threads() {
  struct stat status {};
  return ::stat("/proc/self/task", &status) == 0 ? status.st_nlink - 2 : 0;
}

class Actor {
 public:
  Actor(const Script& script, int process, int thread)
      : script_(script), process_(process), thread_(thread) {}

  [[noreturn]] void run() {
    Cell& cell = own_cell();
    cell.pid = ::getpid();
    cell.tid = static_cast<pid_t>(::syscall(SYS_gettid));
    while (true) {
      give_turn(cell, Cell::directors);
      if (!await_turn(cell, Cell::actors, patience_milliseconds)) ::_exit(1);
      // A forked child goes on in a cell of its own.
      obey(cell);
    }
  }

 private:
  Cell& own_cell() {
    return script_.shared
        ->cells[static_cast<std::size_t>(process_)][static_cast<std::size_t>(thread_)];
  }

  void obey(Cell& cell) {
    const Order order = cell.order;
    switch (order.what) {
      case Order::What::step:
        cell.done = step(order);
        break;
      case Order::What::look:
        cell.seen = {process_, thread_, inode_of("/proc/thread-self/ns/user"), own_netns()};
        break;
      case Order::What::receive:
        cell.done = made(receive_descriptor(receiving_end), order.step.made);
        break;
      case Order::What::reap:
        cell.done = reap(order.pid);
        break;
    }
  }

  Done step(const Order& order);
  Done fork(const Step& it);
  Done new_thread(const Step& it);
  static Done reap(pid_t pid);
  static Done unshare(Kind kind);
  static Done open(const Order& order);
  static Done cookie(int fd);
  static Done become(const Step& it);
  static Done in_netns(const Target& target);
  Done exec(pid_t pid) const;

  /// A new descriptor, in its slot.
  static Done made(int fd, int slot) {
    if (fd < 0) return done(-1);
    struct stat status {};
    const int error = ::fstat(fd, &status);
    const int moved = ::dup3(fd, first_slot + slot, O_CLOEXEC);
    ::close(fd);
    if (error != 0 || moved < 0) return done(-1);
    return {.identity = status.st_ino};
  }

  const Script& script_;
  int process_;
  int thread_;
};

Done Actor::fork(const Step& it) {
  const pid_t pid = ::fork();
  if (pid == 0) act(script_, it.made, 0);
  return done(pid);
}

struct Begin {
  const Script& script;
  int process;
  int thread;
};

void* begin(void* argument) {
  const auto* it = static_cast<Begin*>(argument);
  const Begin copy = *it;
  delete it;
  act(copy.script, copy.process, copy.thread);
}

Done Actor::new_thread(const Step& it) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t started{};
  auto* argument = new Begin{script_, process_, it.made};
  return {.error = ::pthread_create(&started, &attributes, &begin, argument)};
}

Done Actor::reap(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0) return done(-1);
  return {.error = info.si_pid == 0 ? EAGAIN : 0};
}

Done Actor::unshare(Kind kind) {
  const auto uid = std::to_string(::geteuid());
  const auto gid = std::to_string(::getegid());
  const int flags = kind == Kind::unshare_net    ? CLONE_NEWNET
                    : kind == Kind::unshare_both ? CLONE_NEWUSER | CLONE_NEWNET
                                                 : CLONE_NEWUSER;
  if (::unshare(flags) != 0) return done(-1);
  if (kind != Kind::unshare_map) return {};
  int error = write_file("/proc/self/setgroups", "deny");
  if (error == 0) error = write_file("/proc/self/uid_map", "0 " + uid + " 1");
  if (error == 0) error = write_file("/proc/self/gid_map", "0 " + gid + " 1");
  return {.error = error};
}

Done Actor::open(const Order& order) {
  std::string path = "/proc/" + std::to_string(order.pid);
  if (order.step.target_thread != 0) path += "/task/" + std::to_string(order.tid);
  path += order.step.kind == Kind::open_user ? "/ns/user" : "/ns/net";
  const int how = order.step.kind == Kind::open_path ? O_PATH : O_RDONLY;
  return made(::open(path.c_str(), how | O_CLOEXEC), order.step.made);
}

Done Actor::cookie(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  Done told = done(::getsockopt(fd, SOL_SOCKET, so_netns_cookie, &cookie, &size));
  told.cookie = cookie;
  return told;
}

/// Of this thread alone, other than by glibc's functions.
Done Actor::become(const Step& it) {
  const int id = it.value;
  if (::syscall(SYS_setresgid, id, id, id) != 0) return done(-1);
  if (::syscall(SYS_setresuid, id, id, id) != 0) return done(-1);
  return done(it.odd ? ::prctl(PR_SET_DUMPABLE, 1) : 0);
}

Done failed(const Error& error) {
  return {.error = error.code, .at_stage = true, .stage = error.stage};
}

Done Actor::in_netns(const Target& target) {
  const auto before = threads();
  const auto where = nsgate::in_netns(target, own_netns);
  // The worker is in the way of the next step until the kernel has forgotten it.
  while (threads() > before) ::sched_yield();
  if (!where) return failed(where.error());
  return {.identity = *where};
}

Done Actor::exec(pid_t pid) const {
  const auto ended =
      exec_in_user_netns(UserTarget::process(pid), {.argv = {script_.helper, "netns"}});
  if (!ended) return failed(ended.error());
  if (!ended->succeeded()) return {.error = ENOEXEC};
  // "<device>:<inode>"
  Done told;
  const std::string& text = ended->out;
  const auto* const end = text.data() + text.size();
  std::from_chars(text.data() + text.find(':') + 1, end, told.identity);
  return told;
}

Done Actor::step(const Order& order) {
  const Step& it = order.step;
  const int fd = first_slot + it.slot;
  switch (it.kind) {
    case Kind::start:
    case Kind::reap:
      break;
    case Kind::fork:
      return fork(it);
    case Kind::new_thread:
      return new_thread(it);
    case Kind::exit_thread:
      give_turn(own_cell(), Cell::directors);
      while (true) ::syscall(SYS_exit, 0);
    case Kind::exit_process:
      give_turn(own_cell(), Cell::directors);
      while (true) ::syscall(SYS_exit_group, 0);
    case Kind::unshare_net:
    case Kind::unshare_user:
    case Kind::unshare_map:
    case Kind::unshare_both:
      return unshare(it.kind);
    case Kind::open_net:
    case Kind::open_user:
    case Kind::open_path:
      return open(order);
    case Kind::pidfd_open:
      return made(static_cast<int>(::syscall(SYS_pidfd_open, order.tid, 0)), it.made);
    case Kind::pidfd_net:
      return made(::ioctl(fd, pidfd_get_net_namespace, 0), it.made);
    case Kind::pidfd_user:
      return made(::ioctl(fd, pidfd_get_user_namespace, 0), it.made);
    case Kind::duplicate:
      return made(::fcntl(fd, F_DUPFD_CLOEXEC, 0), it.made);
    case Kind::close:
      return done(::close(fd));
    case Kind::setns:
      return done(::setns(fd, it.value));
    case Kind::owner:
      return made(::ioctl(fd, NS_GET_USERNS, 0), it.made);
    case Kind::parent:
      return made(::ioctl(fd, NS_GET_PARENT, 0), it.made);
    case Kind::socket:
      return made(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), it.made);
    case Kind::socket_net:
      return made(::ioctl(fd, SIOCGSKNS, 0), it.made);
    case Kind::cookie:
      return cookie(fd);
    case Kind::pass:
      return {.error = send_descriptor(sending_end, fd)};
    case Kind::take:
      return made(static_cast<int>(::syscall(SYS_pidfd_getfd, fd, first_slot + it.other, 0)),
                  it.made);
    case Kind::drop:
    case Kind::raise:
      return {.error = change_capabilities(it)};
    case Kind::dumpable:
      return done(::prctl(PR_SET_DUMPABLE, it.value));
    case Kind::become_user:
      return become(it);
    case Kind::in_netns_process:
      return in_netns(Target::process(order.pid));
    case Kind::in_netns_pidfd:
      return in_netns(Target::pidfd(fd));
    case Kind::in_netns_file:
      return in_netns(Target::descriptor(fd));
    case Kind::exec_both:
      return exec(order.pid);
  }
  return {.error = ENOSYS};
}

}  // namespace

void give_turn(Cell& cell, Cell::Turn turn) {
  cell.turn.store(turn, std::memory_order_release);
  ::syscall(SYS_futex, &cell.turn, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

bool await_turn(Cell& cell, Cell::Turn turn, int milliseconds) {
  const timespec time{milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  while (cell.turn.load(std::memory_order_acquire) != turn) {
    const long woken = ::syscall(SYS_futex, &cell.turn, FUTEX_WAIT, 1U - turn, &time, nullptr, 0);
    if (woken != 0 && errno == ETIMEDOUT) {
      return cell.turn.load(std::memory_order_acquire) == turn;
    }
  }
  return true;
}

void act(const Script& script, int process, int thread) { Actor(script, process, thread).run(); }

}  // namespace nsgate::model
