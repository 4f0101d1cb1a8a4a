// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {

Expected<MappedFile> MappedFile::open(const std::filesystem::path& file) {
  const auto failed = [&](const char* why) {
    return could_not_start("cannot read " + file.string() + ": " + why);
  };
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(std::strerror(errno));
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return failed("it is no regular file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const start = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);
  if (start == MAP_FAILED) return failed(std::strerror(error));
  return MappedFile({static_cast<const char*>(start), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace nsgate::lab
