// SPDX-License-Identifier: Apache-2.0
//
// A child process of the lab (QEMU, apt-get, dpkg-deb, a payload that lists its tests).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// What to start. argv[0] is looked up in PATH.
struct ProcessOptions {
  std::vector<std::string> argv;
  std::vector<std::string> extra_env{};  ///< "NAME=value", in front of the caller's environment
  std::filesystem::path stderr_file{};   ///< empty: captured with run(), inherited with start()
  std::filesystem::path working_directory{};  ///< empty: the caller's
  /// The child has the caller's stdin, stdout and process group, so that a person can type to it;
  /// stdout_fd() is -1.
  bool on_terminal = false;
};

/// Owns a running child: it is killed and reaped when this goes out of scope, and dies with the
/// thread that started it (PR_SET_PDEATHSIG), so that no guest outlives a killed nsgate.
/// Not thread-safe; one owner.
class Process {
 public:
  /// Starts the program with stdin from /dev/null and stdout on a pipe.
  /// Fails with could_not_start when the program is missing.
  static Expected<Process> start(const ProcessOptions& options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  int stdout_fd() const { return stdout_fd_; }  ///< read end, close-on-exec, non-blocking
  int pidfd() const { return pidfd_; }          ///< readable once the child has ended
  pid_t pid() const { return pid_; }

  void kill() const;
  /// Waits for the end; the answer is as waitpid(2) gives it.
  int wait();
  /// Gives up a child that kill() does not end, because it sits in the kernel for good: nobody
  /// waits for it any more.
  void abandon() { pid_ = -1; }

 private:
  Process(pid_t pid, int pidfd, int stdout_fd);

  pid_t pid_;
  int pidfd_;
  int stdout_fd_;
};

struct ProcessOutput {
  int wait_status;  ///< as waitpid(2) gives it
  std::string out;
  std::string err;  ///< empty when stderr went to a file
  bool ok() const { return wait_status == 0; }
};

/// Runs a program to its end and captures what it prints. With a deadline, a program that has not
/// ended by then is killed and the answer is a Failure of code deadline.
Expected<ProcessOutput> run(const ProcessOptions& options,
                            std::optional<std::chrono::seconds> deadline = std::nullopt);

}  // namespace nsgate::lab
