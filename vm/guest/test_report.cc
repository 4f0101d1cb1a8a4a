// SPDX-License-Identifier: Apache-2.0
#include "guest/test_report.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

namespace nsgate::guest {
namespace {

constexpr std::size_t max_report = 256 * 1024;

}  // namespace

std::string read_report(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string report(max_report + 1, '\0');
  std::size_t size = 0;
  ssize_t n = 0;
  while (size < report.size() && (n = ::read(fd, report.data() + size, report.size() - size)) > 0) {
    size += static_cast<std::size_t>(n);
  }
  ::close(fd);
  if (n < 0 || size > max_report) return {};
  report.resize(size);
  return report;
}

}  // namespace nsgate::guest
