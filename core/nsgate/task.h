// SPDX-License-Identifier: Apache-2.0
//
// A process or thread whose namespaces are asked for: found once, so that all of them are of the
// same one. Private to core.
#pragma once

#include <sched.h>

#include <optional>
#include <string>

#include "nsgate/error.h"
#include "nsgate/fd.h"
#include "nsgate/target.h"

namespace nsgate::detail {

/// Fails at Stage::open with EINVAL, and a note, unless the descriptor is a namespace file of this
/// CLONE_NEW… type. This is what setns(2) would find, without its permissions.
Result<void> check_namespace(int fd, int type, const std::string& shown);

class Task {
 public:
  /// Fails as Netns::open does.
  static Result<Task> find(const TaskName& name);

  /// The namespace of this CLONE_NEW… type; empty where setns has to be given the pidfd, because
  /// there is neither an ioctl for it nor /proc.
  Result<Fd> open_namespace(int type);

  /// Borrowed; -1: there is none.
  int pidfd() const { return pidfd_; }
  /// When this is the only owner of the pidfd, gives it up.
  Fd take_pidfd() { return std::move(owned_); }

 private:
  Result<Fd> open_in_proc(int type);
  Result<Fd> checked(Fd file, int type) const;
  bool alive() const;
  /// It is of another pid namespace, and has another process under this pid, or none; taken to be
  /// so where a file was opened and nothing says that it is the right one.
  bool proc_is_foreign(bool opened) const;
  Error error(int code, std::string note = {}) const;

  std::string shown_;
  pid_t id_ = 0;  // 0: only a pidfd is known
  std::string directory_name_;
  Fd directory_;  // only without a pidfd
  Fd owned_;
  int pidfd_ = -1;
  bool borrowed_ = false;
  bool proc_is_own_ = false;  // asked once is enough
};

}  // namespace nsgate::detail
