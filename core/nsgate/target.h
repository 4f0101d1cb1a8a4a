// SPDX-License-Identifier: Apache-2.0
//
// What names the namespaces to enter. A value: it opens nothing until it is used, and never means
// anything else than what its maker says.
//
//   Target::process(4711)           Target::name("blue")              Target::descriptor(fd)
//   Target::pidfd(fd)               Target::path("/run/user/1/net")   Target::socket(fd)
//   Target::thread(4711, 4712)      Target::current()
//
// Descriptors are borrowed: they stay the caller's and must stay open during the call.
// Test: Target.EveryKind*.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace nsgate {

namespace detail {

/// A process by pid or pidfd, or one of its threads.
struct TaskName {
  pid_t process = 0;
  std::optional<pid_t> thread = std::nullopt;
  std::optional<int> pidfd = std::nullopt;
  std::string to_string() const;
};

}  // namespace detail

/// Names a network namespace.
class Target {
 public:
  /// The namespace of the process's leading thread. Not another process's, should the pid be
  /// recycled meanwhile; but who keeps a pid for long has no such promise: use a pidfd.
  /// Test: Netns.ProcessMeansItsLeadingThread, Target.Process*.
  static Target process(pid_t pid) { return Target(detail::TaskName{.process = pid}); }
  /// The same by pidfd_open(2). No process can take its place. Test: Target.Pidfd*.
  static Target pidfd(int fd) { return Target(detail::TaskName{.pidfd = fd}); }
  /// The namespace of one thread: its process's others may be elsewhere, or have ended.
  /// Test: Target.Thread*.
  static Target thread(pid_t process, pid_t thread) {
    return Target(detail::TaskName{.process = process, .thread = thread});
  }
  /// A namespace of ip-netns(8), under /run/netns. Only ever a name there: not a path ("/", "..")
  /// and never a pid, even if it is a number. Test: Target.Name*.
  static Target name(std::string name) { return Target(Named{std::move(name)}); }
  /// A namespace file: a bind mount, or /proc/PID/ns/net as the path says it. Test: Target.Path*.
  static Target path(std::filesystem::path path) { return Target(std::move(path)); }
  static Target descriptor(int fd) { return Target(Descriptor{fd}); }
  /// The namespace that a socket belongs to. Needs CAP_NET_ADMIN over it (SIOCGSKNS, Linux 4.10).
  /// Test: Target.Socket*.
  static Target socket(int fd) { return Target(Socket{fd}); }
  /// Where the calling thread is when the target is used. Test: Target.Current*.
  static Target current() { return Target(Current{}); }

  /// "pid 4711", "thread 4712 of pid 4711", "/run/netns/blue", "the current thread".
  std::string to_string() const;

 private:
  friend class Netns;
  friend class UserNetns;
  struct Named {
    std::string name;
  };
  struct Descriptor {
    int fd;
  };
  struct Socket {
    int fd;
  };
  struct Current {};
  using Name =
      std::variant<detail::TaskName, Named, std::filesystem::path, Descriptor, Socket, Current>;
  explicit Target(Name name) : name_(std::move(name)) {}

  Name name_;
};

/// Names a user namespace and a network namespace that are joined together.
class UserTarget {
 public:
  /// Both namespaces of the process's leading thread.
  static UserTarget process(pid_t pid) { return UserTarget(detail::TaskName{.process = pid}); }
  static UserTarget pidfd(int fd) { return UserTarget(detail::TaskName{.pidfd = fd}); }
  static UserTarget thread(pid_t process, pid_t thread) {
    return UserTarget(detail::TaskName{.process = process, .thread = thread});
  }
  struct Descriptors {
    int user;
    int net;
  };
  static UserTarget descriptors(Descriptors fds) { return UserTarget(fds); }
  /// A network namespace together with the user namespace that owns it (NS_GET_USERNS,
  /// ioctl_nsfs(2)). Test: Target.Owner*.
  static UserTarget owned(Target target) { return UserTarget(std::move(target)); }

  /// "pid 4711", "descriptors 6 and 7", "/run/netns/blue and its owner".
  std::string to_string() const;

 private:
  friend class UserNetns;
  using Name = std::variant<detail::TaskName, Descriptors, Target>;
  explicit UserTarget(Name name) : name_(std::move(name)) {}

  Name name_;
};

}  // namespace nsgate
