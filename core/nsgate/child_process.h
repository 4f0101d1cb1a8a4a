// SPDX-License-Identifier: Apache-2.0
//
// A started child: killed and reaped when nobody waited for it. Private to core.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "nsgate/child.h"
#include "nsgate/command.h"
#include "nsgate/fd.h"

namespace nsgate::detail {

class ChildProcess {
 public:
  enum class Memory {
    shared,  ///< the caller's, until it becomes the program or the stub; flat in the caller's size
    copied,  ///< a copy of the caller's
  };
  /// The errno of clone(2). The calling thread is suspended until the child has become the program
  /// or the stub, or has ended (CLONE_VFORK). `plan` must outlive the child.
  static std::expected<ChildProcess, int> start(ChildPlan& plan, Memory memory);

  ChildProcess(ChildProcess&&) = default;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  /// Readable when the child has ended.
  int pidfd() const { return pidfd_.get(); }
  /// What can be known while it runs: it has not failed so far, nor will it join any more.
  bool began_to_execute() const { return record_->stage == Stage::exec && record_->code == 0; }
  /// The program, and its process group if it leads one.
  void kill() const;
  /// Waits for the child's end. Nothing: it ended before it became the program, and the record
  /// tells where; `signal`, if one ended it.
  std::optional<End> wait(int& signal);
  /// The plan's record as it is now. Of the stub, whoever may trace it could have written it, and
  /// may still: to be read once, and believed of this child only.
  Record record() const;

 private:
  ChildProcess(const ChildPlan& plan, pid_t pid, int pidfd);
  int wait_for(siginfo_t& info, int options) const;
  /// Nothing: it cannot be known.
  std::optional<bool> became_program() const;

  // Copies, because the stub could be made to write to the plan by whoever may trace it.
  const volatile Record* record_;
  std::string stub_name_;  // empty: without the stub
  bool leads_group_;
  pid_t pid_;
  Fd pidfd_;
};

}  // namespace nsgate::detail
