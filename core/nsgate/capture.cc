// SPDX-License-Identifier: Apache-2.0
#include "nsgate/capture.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace nsgate::detail {

void Capture::drain() {
  if (!fd_) return;
  int available = 0;
  // A seccomp filter may refuse the ioctl; no more than this can be there.
  if (::ioctl(fd_.get(), FIONREAD, &available) != 0) available = ::fcntl(fd_.get(), F_GETPIPE_SZ);
  // One byte more than nothing, to see the end of file.
  auto left = static_cast<std::size_t>(std::max(available, 1));
  std::array<char, 65536> buffer;
  while (left > 0) {
    const auto n = ::read(fd_.get(), buffer.data(), std::min(left, buffer.size()));
    if (n > 0) {
      keep({buffer.data(), static_cast<std::size_t>(n)});
      left -= static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EAGAIN) {
      return;
    } else if (n == 0 || errno != EINTR) {
      fd_.reset();
      return;
    }
  }
}

void Capture::keep(std::string_view bytes) {
  if (sink_) return sink_(bytes);
  const auto room = std::min(bytes.size(), limit_ - text_.size());
  text_.append(bytes.substr(0, room));
  truncated_ = truncated_ || room < bytes.size();
}

}  // namespace nsgate::detail
