// SPDX-License-Identifier: Apache-2.0
//
// What names a namespace to enter.
//
//   Target::process(4711)               the network namespace of a process
//   Target::descriptor(fd)              an open namespace file
//   Target::path("/run/netns/blue")     a namespace file in the file system
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <variant>

#include "nsgate/error.h"
#include "nsgate/fd.h"

namespace nsgate {

/// Names a network namespace. A value; it opens nothing until it is used.
class Target {
 public:
  /// The namespace of the process's leading thread, as /proc shows it.
  static Target process(pid_t pid) { return Target(Process{pid}); }
  /// Borrowed: the descriptor stays the caller's and must stay open during the call.
  static Target descriptor(int fd) { return Target(Descriptor{fd}); }
  static Target path(std::filesystem::path path) { return Target(std::move(path)); }

  /// "pid 4711", "descriptor 7", "/run/netns/blue".
  std::string to_string() const;

 private:
  friend class Netns;
  struct Process {
    pid_t pid;
  };
  struct Descriptor {
    int fd;
  };
  using Name = std::variant<Process, Descriptor, std::filesystem::path>;
  explicit Target(Name name) : name_(std::move(name)) {}

  Name name_;
};

/// Names a user namespace and a network namespace that are joined together, in this order.
class UserTarget {
 public:
  /// Both namespaces of the process's leading thread.
  static UserTarget process(pid_t pid) { return UserTarget(pid); }
  struct Descriptors {
    int user;
    int net;
  };
  /// Borrowed, as with Target::descriptor.
  static UserTarget descriptors(Descriptors fds) { return UserTarget(fds); }

  /// "pid 4711", "descriptors 6 and 7".
  std::string to_string() const;

 private:
  friend class UserNetns;
  using Name = std::variant<pid_t, Descriptors>;
  explicit UserTarget(Name name) : name_(name) {}

  Name name_;
};

/// An open network namespace file: what setns(2) takes.
class Netns {
 public:
  /// Fails at Stage::open with the errno of open(2), such as
  ///   ENOENT  the process is gone or a zombie, the path does not exist, /proc is not mounted
  ///   EACCES  the process belongs to someone else or is not dumpable (proc_pid_ns(5))
  ///   EMFILE  the descriptor table is full
  static Result<Netns> open(const Target& target);

  int fd() const noexcept { return fd_; }

 private:
  explicit Netns(Fd owned) : owned_(std::move(owned)), fd_(owned_.get()) {}
  explicit Netns(int borrowed) : fd_(borrowed) {}

  Fd owned_;
  int fd_;
};

/// Both namespace files of a UserTarget.
class UserNetns {
 public:
  /// Fails as Netns::open does. Of a process, both files belong to the same process even when its
  /// pid is recycled meanwhile.
  static Result<UserNetns> open(const UserTarget& target);

  int user() const noexcept { return user_; }
  int net() const noexcept { return net_; }

 private:
  UserNetns(Fd user, Fd net);
  explicit UserNetns(UserTarget::Descriptors borrowed) : user_(borrowed.user), net_(borrowed.net) {}

  Fd owned_user_;
  Fd owned_net_;
  int user_;
  int net_;
};

}  // namespace nsgate
