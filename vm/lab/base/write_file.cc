// SPDX-License-Identifier: Apache-2.0
#include "lab/base/write_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Expected<void> write_file(const std::filesystem::path& file, std::string_view text) {
  // In the same folder, because rename(2) cannot cross file systems.
  std::string draft = file.string() + ".XXXXXX";
  const int fd = ::mkostemp(draft.data(), O_CLOEXEC);
  bool good = fd >= 0;
  // mkostemp makes it private, which a file that others read is not.
  good = good && ::fchmod(fd, 0644) == 0 && write_all(fd, text) && ::fsync(fd) == 0;
  int error = errno;
  if (fd >= 0 && ::close(fd) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good && ::rename(draft.c_str(), file.c_str()) != 0) {
    good = false;
    error = errno;
  }
  if (good) return {};
  if (fd >= 0) ::unlink(draft.c_str());
  return could_not_start("cannot write " + file.string() + ": " + std::strerror(error));
}

}  // namespace nsgate::lab
