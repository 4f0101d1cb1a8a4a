// SPDX-License-Identifier: Apache-2.0
#include "nsgate/capture.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace nsgate::detail {

void Capture::drain() {
  std::array<char, 65536> buffer;
  while (fd_) {
    const auto n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n > 0) {
      keep({buffer.data(), static_cast<std::size_t>(n)});
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      fd_.reset();
    } else if (errno == EAGAIN) {
      return;
    }
  }
}

void Capture::keep(std::string_view bytes) {
  const auto room = std::min(bytes.size(), limit_ - text_.size());
  text_.append(bytes.substr(0, room));
  truncated_ = truncated_ || room < bytes.size();
}

}  // namespace nsgate::detail
