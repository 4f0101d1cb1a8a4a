// SPDX-License-Identifier: Apache-2.0
#include "guest/port.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "frame/frame.h"
#include "guest/give_up.h"

namespace nsgate::guest {
namespace {

constexpr const char* device = "/dev/ttyS1";

}  // namespace

Port::Port(std::string nonce) : nonce_(std::move(nonce)) {
  if (::chmod(device, 0600) != 0) give_up("chmod /dev/ttyS1", errno);
  fd_ = ::open(device, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (fd_ < 0) give_up("open /dev/ttyS1", errno);
  termios settings{};
  if (::tcgetattr(fd_, &settings) != 0) {
    give_up("tcgetattr /dev/ttyS1 (is there a second serial port?)", errno);
  }
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL;
  ::cfsetspeed(&settings, B115200);
  if (::tcsetattr(fd_, TCSANOW, &settings) != 0) give_up("tcsetattr /dev/ttyS1", errno);
}

Port::~Port() { ::close(fd_); }

void Port::send(std::string_view kind, std::string_view body) {
  const std::string line = frame::encode(
      {.sequence = sequence_, .kind = std::string(kind), .body = std::string(body)}, nonce_);
  std::string_view rest = line;
  while (!rest.empty()) {
    const auto written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) give_up("write to /dev/ttyS1", errno);
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ++sequence_;
}

void Port::drain() const {
  while (::tcdrain(fd_) != 0) {
    if (errno != EINTR) give_up("tcdrain /dev/ttyS1", errno);
  }
}

}  // namespace nsgate::guest
