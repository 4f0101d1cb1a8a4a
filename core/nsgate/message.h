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
  enum class Kind {
    in_callers_memory,  ///< for a child that shares it
    copied,             ///< in a mapping of its own, for a child that is a copy of the caller
    stub,               ///< behind the stub in a memfd
  };
  /// A stub that cannot be had becomes `copied`: it takes a memfd; and /proc and a SIGCHLD that is
  /// not ignored, by which the end of the stub is told from that of the program. Fails at
  /// Stage::pipe.
  static Result<Message> make(const Command& command, const Words& words,
                              std::span<const Command::Passed> passed, Kind kind);
  Message(Message&& other) noexcept;
  Message& operator=(Message&&) = delete;
  ~Message();

  Kind kind() const { return kind_; }
  ChildPlan& plan() { return *plan_; }
  /// Of a stub.
  int file() const { return file_.get(); }

 private:
  Message(Kind kind, std::span<const char> stub, const ChildPlan& plan, std::span<const char> tail);
  /// Puts it where the child will see it; false, with errno.
  bool share();

  Kind kind_;
  std::vector<char> bytes_;
  Fd file_;
  char* mapped_ = nullptr;
  ChildPlan* plan_;
};

}  // namespace nsgate::detail
