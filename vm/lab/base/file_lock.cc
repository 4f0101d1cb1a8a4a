// SPDX-License-Identifier: Apache-2.0
#include "lab/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {

Expected<FileLock> FileLock::acquire(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    return could_not_start("cannot create " + file.parent_path().string() + ": " + error.message());
  }
  FileLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  int result = lock.fd_ < 0 ? -1 : 0;
  if (result == 0) {
    do {
      result = ::flock(lock.fd_, LOCK_EX);
    } while (result != 0 && errno == EINTR);
  }
  if (result != 0) {
    return could_not_start("cannot lock " + file.string() + ": " + std::strerror(errno));
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace nsgate::lab
