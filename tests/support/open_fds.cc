// SPDX-License-Identifier: Apache-2.0
#include "support/open_fds.h"

#include <dirent.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

namespace nsgate::test {

OpenFds::OpenFds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (!directory) throw std::system_error(errno, std::generic_category(), "/proc/self/fd");
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd == ::dirfd(directory.get())) continue;
    names_[fd] = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
  }
}

std::ostream& operator<<(std::ostream& out, const OpenFds& fds) {
  for (const auto& [fd, name] : fds.names_) out << fd << " -> " << name << '\n';
  return out;
}

}  // namespace nsgate::test
