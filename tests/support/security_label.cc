// SPDX-License-Identifier: Apache-2.0
#include "support/security_label.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "nsgate/fd.h"

namespace nsgate::test {

int write_label(const char* file, const std::string& text) {
  const Fd fd(::open(file, O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                          : errno;
}

int change_apparmor_profile(const std::string& name) {
  return write_label("/proc/self/attr/apparmor/current", "changeprofile " + name);
}

}  // namespace nsgate::test
