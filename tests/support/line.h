// SPDX-License-Identifier: Apache-2.0
//
// A socket whose far end is a program's stdin: helper verbs tell their pid there, and the near end
// ends with the last process that holds the far one.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "nsgate/fd.h"

namespace nsgate::test {

struct Line {
  Fd near;
  Fd far;

  Line() {
    std::array<int, 2> ends{};
    // So that a program that should have ended, and did not, fails its test instead of hanging it.
    constexpr timeval patience{.tv_sec = 20, .tv_usec = 0};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0 ||
        ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
      throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    near = Fd(ends[0]);
    far = Fd(ends[1]);
  }

  /// 0 when the line ended or nothing came.
  pid_t read_pid() const {
    std::string text;
    char byte = 0;
    while (read_near(&byte, 1) == 1 && byte != '\n') text += byte;
    return std::atoi(text.c_str());
  }
  /// Closes the caller's own far end, and waits until the others are closed; false when they stay
  /// open.
  bool ends() {
    far.reset();
    std::array<char, 64> told{};
    ssize_t n = 0;
    while ((n = read_near(told.data(), told.size())) > 0) {
    }
    return n == 0;
  }

 private:
  /// A socket with a timeout is not read on by itself after an interruption (signal(7)).
  ssize_t read_near(char* bytes, std::size_t size) const {
    ssize_t n = 0;
    while ((n = ::read(near.get(), bytes, size)) < 0 && errno == EINTR) {
    }
    return n;
  }
};

}  // namespace nsgate::test
