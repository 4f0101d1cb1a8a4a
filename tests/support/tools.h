// SPDX-License-Identifier: Apache-2.0
//
// The tools of the userland, as a second opinion: nsenter(1), unshare(1), ip-netns(8).
//
//   EXPECT_EQ(run_tool({"ip", "netns", "identify", pid}).text, "blue\n");
//   const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {

/// nsenter, unshare and ip in PATH.
extern const Requirement tools;

struct ToolRun {
  int exit_code;     ///< -1: a signal ended it
  std::string text;  ///< stdout and stderr together

  bool succeeded() const { return exit_code == 0; }
  /// "<device>:<inode>", as the helper prints a namespace; zeros when the tool failed.
  NamespaceId id() const;
};

/// Runs a program of PATH in a child. Thread-safe.
ToolRun run_tool(const std::vector<std::string>& argv);

/// A program that a tool executed, whose pid is told by the helper's `stop`. Killed at the end.
class ToldProgram {
 public:
  /// Throws std::runtime_error when no pid is told.
  explicit ToldProgram(const std::vector<std::string>& argv);
  ToldProgram(const ToldProgram&) = delete;
  ~ToldProgram();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace nsgate::test
