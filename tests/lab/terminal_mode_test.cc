// SPDX-License-Identifier: Apache-2.0
#include "lab/base/terminal_mode.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

namespace nsgate::lab {
namespace {

TEST(TerminalMode, IsGivenBack) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  termios before{};
  ASSERT_EQ(::tcgetattr(slave, &before), 0);
  {
    const TerminalMode mode(slave);
    auto raw = before;
    ::cfmakeraw(&raw);
    ASSERT_EQ(::tcsetattr(slave, TCSANOW, &raw), 0);
    ASSERT_EQ(::fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
  }
  termios after{};
  ASSERT_EQ(::tcgetattr(slave, &after), 0);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_oflag, before.c_oflag);
  EXPECT_EQ(::fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
  ::close(master);
  ::close(slave);
}

TEST(TerminalMode, NoTerminalIsLeftAlone) {
  const int fd = ::open("/dev/null", O_RDWR);
  { const TerminalMode mode(fd); }
  EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  ::close(fd);
}

}  // namespace
}  // namespace nsgate::lab
