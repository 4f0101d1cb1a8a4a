// SPDX-License-Identifier: Apache-2.0
//
// Gives a terminal its mode back whatever a child did to it.
//
//   const TerminalMode mode(STDIN_FILENO);   // restored at the end of the scope
//
// A child that puts the terminal into raw mode and is killed leaves it there; QEMU also leaves
// O_NONBLOCK on the open file, which the shell that started us shares. On what is no terminal it
// restores that flag only. Not thread-safe.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <termios.h>

namespace nsgate::lab {

class TerminalMode {
 public:
  explicit TerminalMode(int fd)
      : fd_(fd), terminal_(::tcgetattr(fd, &mode_) == 0), flags_(::fcntl(fd, F_GETFL)) {}
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;
  ~TerminalMode() {
    if (flags_ >= 0) ::fcntl(fd_, F_SETFL, flags_);
    if (!terminal_) return;
    // From the background tcsetattr(3) would stop us.
    sigset_t stop;
    sigset_t before;
    ::sigemptyset(&stop);
    ::sigaddset(&stop, SIGTTOU);
    ::sigprocmask(SIG_BLOCK, &stop, &before);
    ::tcsetattr(fd_, TCSANOW, &mode_);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
  }

 private:
  const int fd_;
  termios mode_{};
  const bool terminal_;
  const int flags_;
};

}  // namespace nsgate::lab
