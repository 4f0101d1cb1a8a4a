// SPDX-License-Identifier: Apache-2.0
#include "guest/modules.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "guest/give_up.h"

namespace nsgate::guest {

void load_modules(const std::vector<std::string>& files) {
  for (const auto& file : files) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) give_up("open the module " + file, errno);
    // glibc has no wrapper.
    if (::syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST) {
      give_up("load the module " + file, errno);
    }
    ::close(fd);
  }
}

}  // namespace nsgate::guest
