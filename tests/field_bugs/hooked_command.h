// SPDX-License-Identifier: Apache-2.0
//
// How the programs of many reports start another one: fork, a hook in the child, exec, and a pipe
// that exec closes for the child's errno. So do Rust's Command::pre_exec, Python's preexec_fn and
// what was written after them. What a report got wrong is in its hook, and in the test.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "nsgate/fd.h"
#include "support/ended.h"
#include "support/thread_sanitizer.h"

namespace nsgate::test {

/// Where the standard library of the report ends the whole program.
struct Panic : std::logic_error {
  using std::logic_error::logic_error;
};

/// Returns 0, or the errno that the parent is told.
using Hook = std::function<int()>;

/// A child that was started, and may have failed since.
struct HookedChild {
  pid_t pid;
  Fd channel;
};

inline HookedChild start_hooked(const std::vector<std::string>& argv, const Hook& hook) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  Fd read_end(ends[0]);
  const Fd write_end(ends[1]);
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  stop_sanitizer_thread();
  const pid_t pid = ::fork();
  if (pid == 0) {
    wait_for_end_of_sanitizer_thread();
    int error = hook();
    if (error == 0) {
      ::execv(words[0], words.data());
      error = errno;
    }
    // Nobody is left to be told when this fails.
    [[maybe_unused]] const auto told = ::write(write_end.get(), &error, sizeof error);
    ::_exit(1);
  }
  return {pid, std::move(read_end)};
}

/// Which step failed is not told: it is always Stage::exec.
inline Ended end_of(const HookedChild& child) {
  int error = 0;
  const bool failed = ::read(child.channel.get(), &error, sizeof error) == sizeof error;
  int status = 0;
  if (::waitpid(child.pid, &status, 0) != child.pid) {
    // library/std/src/sys/process/unix: assert!(p.wait().is_ok(), "wait() should either return Ok
    // or panic").
    throw Panic("wait() should either return Ok or panic");
  }
  if (failed) return refused(Stage::exec, error);
  return WIFSIGNALED(status) ? Ended{true, Stage{}, 0, WTERMSIG(status)}
                             : exited(WEXITSTATUS(status));
}

inline Ended run_hooked(const std::vector<std::string>& argv, const Hook& hook) {
  return end_of(start_hooked(argv, hook));
}

}  // namespace nsgate::test
