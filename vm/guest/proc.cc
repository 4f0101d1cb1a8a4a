// SPDX-License-Identifier: Apache-2.0
#include "guest/proc.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "guest/give_up.h"

namespace nsgate::guest {
namespace {

int kept = -1;

}  // namespace

void keep_proc() {
  kept = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (kept < 0) give_up("open /proc", errno);
}

int proc_fd() { return kept; }

std::string read_proc(const char* path) {
  const int fd = ::openat(kept, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) give_up(std::string("open /proc/") + path, errno);
  std::string text;
  std::array<char, 16384> buffer{};
  ssize_t size;
  while ((size = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  if (size < 0) give_up(std::string("read /proc/") + path, errno);
  ::close(fd);
  return text;
}

}  // namespace nsgate::guest
