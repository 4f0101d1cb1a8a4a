// SPDX-License-Identifier: Apache-2.0
//
// A command made ready for the child, which may not allocate: its plan, in memory that both see.
// Private to core.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nsgate/child.h"
#include "nsgate/command.h"
#include "nsgate/error.h"
#include "nsgate/fd.h"

namespace nsgate::detail {

/// What of a command is needed in the form that execve(2) takes.
struct Words {
  std::vector<char*> argv;  ///< ends in nullptr and points into the command, which must outlive it
  std::vector<char*> envp;  ///< likewise
  std::vector<std::string> programs;  ///< the paths to try in turn
};

/// Fails at Stage::exec with EINVAL for a command that cannot be said, and at Stage::pipe with
/// EBADF for a closed descriptor. REQUIRES: called before anything is opened.
Result<Words> prepare(const Command& command);

class Message {
 public:
  /// With the stub when it is asked for and can be had: that takes a memfd that may be executed;
  /// and /proc and a SIGCHLD that is not ignored, by which the end of the stub is told from that of
  /// the program. Fails at Stage::pipe.
  static Result<Message> make(const Command& command, const Words& words,
                              std::span<const Command::Passed> passed, bool with_stub);
  Message(Message&& other) noexcept;
  Message& operator=(Message&&) = delete;
  ~Message();

  ChildPlan& plan() { return *plan_; }
  bool has_stub() const { return static_cast<bool>(file_); }
  int file() const { return file_.get(); }

 private:
  Message() = default;
  /// False, with errno.
  bool map(std::size_t size);

  Fd file_;
  ChildPlan* plan_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace nsgate::detail
