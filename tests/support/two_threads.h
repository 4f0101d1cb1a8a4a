// SPDX-License-Identifier: Apache-2.0
//
// A process that is in two network namespaces at once, and can lose its leading thread.
//
//   TwoThreads process;
//   in_netns(Target::path(process.netns_of_other_thread()), …);
//   process.end_leader();
#pragma once

#include <array>
#include <string>

#include "support/child_process.h"

namespace nsgate::test {

/// Its leading thread is in one fresh network namespace, its other thread in another.
/// REQUIRES: CAP_SYS_ADMIN.
class TwoThreads : public ParkedProcess {
 public:
  TwoThreads();

  pid_t other_thread() const;
  /// The path of the other thread's namespace file.
  std::string netns_of_other_thread() const;
  /// Ends the leading thread; the process lives on. Returns when the thread has left its
  /// namespaces.
  void end_leader();

 private:
  struct Pipe {
    Fd read;
    Fd write;
  };
  static Pipe make_pipe();
  explicit TwoThreads(Pipe held_by_leader);

  Fd leader_;  // at end of file when the leading thread has ended
};

}  // namespace nsgate::test
