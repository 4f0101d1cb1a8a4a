// SPDX-License-Identifier: Apache-2.0
//
// A file descriptor with one owner.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include <utility>

namespace nsgate {

/// Closes its descriptor when it goes out of scope. Empty is -1, and 0 is a descriptor like any
/// other. Not thread-safe. Test: ExecInNetns.DescriptorZero*, InNetns.CancelledCallerCloses*.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Gives the descriptor up; the caller closes it.
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (const int old = std::exchange(fd_, fd); old >= 0) close(old);
  }

 private:
  static void close(int fd) noexcept {
    // close(3) is a cancellation point, and a destructor that unwinds ends the process. Not a bare
    // system call: ThreadSanitizer takes a number that it has not seen closed for a race of those
    // who open it.
    int before = PTHREAD_CANCEL_ENABLE;
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    // Never again: Linux frees the descriptor even when close is interrupted (close(2)), and by
    // then the number may be another thread's.
    ::close(fd);
    ::pthread_setcancelstate(before, nullptr);
  }

  int fd_ = -1;
};

}  // namespace nsgate
