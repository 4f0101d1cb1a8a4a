// SPDX-License-Identifier: Apache-2.0
//
// Processes and threads that do what they are told, each by its own system calls, and tell what
// became of it. They are disposable: whatever they did to themselves ends with them.
//
//   Cast cast(helper());
//   const Done done = cast.act(step);
//   cast.clear();
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/operation.h"
#include "nsgate/error.h"

namespace nsgate::model {

/// In a form that crosses between processes.
struct Done {
  int error = 0;
  bool at_stage = false;
  Stage stage{};             ///< of a failure of core
  ino_t identity = 0;        ///< of what a new descriptor refers to, or of where core's closure was
  std::uint64_t cookie = 0;  ///< SO_NETNS_COOKIE
};

/// Where a thread says that it is.
struct Seen {
  int process;
  int thread;
  ino_t user;
  ino_t net;
};

/// A step that did not end. The message says whose and which.
class Hang : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// REQUIRES: the calling process has one thread. It becomes the reaper of its descendants
/// (PR_SET_CHILD_SUBREAPER).
class Cast {
 public:
  /// `helper` is executed by Kind::exec_both. Throws std::system_error.
  explicit Cast(std::string helper);
  Cast(const Cast&) = delete;
  ~Cast();

  /// Does a step and waits until the kernel is through with it. Throws Hang. REQUIRES: who and what
  /// the step names exists, as far as it is no target.
  Done act(const Step& step);
  /// Asks every living thread. Throws Hang.
  std::vector<Seen> look();
  /// Kills and reaps everybody.
  void clear();

 private:
  struct Stage_;
  std::unique_ptr<Stage_> stage_;
};

}  // namespace nsgate::model
