// SPDX-License-Identifier: Apache-2.0
#include "guest/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "guest/give_up.h"

namespace nsgate::guest {
namespace {

int proc = -1;

}  // namespace

void keep_proc() {
  proc = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) give_up("open /proc", errno);
}

int kept_proc() { return proc; }

std::expected<int, int> open_text(const std::string& path, int flags) {
  constexpr std::string_view in_proc = "/proc/";
  const bool kept = proc >= 0 && path.starts_with(in_proc);
  const int fd = kept ? ::openat(proc, path.c_str() + in_proc.size(), flags | O_CLOEXEC)
                      : ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return std::unexpected(errno);
  return fd;
}

std::expected<std::string, int> read_bytes(const std::string& path) {
  const auto fd = open_text(path, O_RDONLY);
  if (!fd) return std::unexpected(fd.error());
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t size;
  while ((size = ::read(*fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  const int error = errno;
  ::close(*fd);
  if (size < 0) return std::unexpected(error);
  return text;
}

std::expected<std::string, int> read_text(const std::string& path) {
  auto text = read_bytes(path);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

int write_text(const std::string& path, std::string_view text) {
  const auto fd = open_text(path, O_WRONLY);
  if (!fd) return fd.error();
  const auto written = ::write(*fd, text.data(), text.size());
  const int error = errno;
  ::close(*fd);
  if (written < 0) return error;
  return written == static_cast<ssize_t>(text.size()) ? 0 : EIO;
}

}  // namespace nsgate::guest
