// SPDX-License-Identifier: Apache-2.0
//
// An open network namespace.
//
//   auto netns = nsgate::Netns::open(nsgate::Target::name("blue"));
//   if (netns) ::setns(netns->fd(), CLONE_NEWNET);
#pragma once

#include "nsgate/error.h"
#include "nsgate/fd.h"
#include "nsgate/target.h"

namespace nsgate {

/// What setns(2) takes: a namespace file, or a pidfd where neither the kernel's ioctl (Linux 6.11)
/// nor /proc gives one. While it is open the namespace exists (a pidfd: while its process does).
/// Test: Netns.LivesAsLongAsADescriptorOfIt, Netns.WithoutProcAPid*.
class Netns {
 public:
  /// Fails at Stage::open with
  ///   ESRCH   the process or thread is gone, or is a zombie (ENOENT before Linux 6.11)
  ///   ENOENT  the name or path does not exist
  ///   EACCES  the process belongs to someone else or is not dumpable (proc_pid_ns(5))
  ///   EPERM   a socket: CAP_NET_ADMIN is missing over its namespace; /proc with hidepid=1
  ///   EINVAL  not a namespace (a placeholder whose mount is gone, ip-netns(8)), a namespace of
  ///           another kind, a name that is none, a pid that is none; the note says which
  ///   EBADF   the descriptor is closed, or was opened with O_PATH
  ///   EMFILE  the descriptor table is full
  /// and whatever else open(2), pidfd_open(2) and ioctl_nsfs(2) give. A seccomp filter's EPERM or
  /// ENOSYS for pidfd_open or an ioctl only means that /proc is used; without a pidfd it is the
  /// error, with a note, where /proc is seen to be of another pid namespace. So is EINVAL of a
  /// thread, which has no pidfd before Linux 6.9.
  /// Test: Target.*, Netns.*AtOpen*.
  static Result<Netns> open(const Target& target);

  int fd() const noexcept { return fd_; }

 private:
  friend class UserNetns;
  explicit Netns(Fd owned) : owned_(std::move(owned)), fd_(owned_.get()) {}
  explicit Netns(int borrowed) : fd_(borrowed) {}

  Fd owned_;
  int fd_;
};

}  // namespace nsgate
