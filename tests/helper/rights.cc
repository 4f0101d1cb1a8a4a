// SPDX-License-Identifier: Apache-2.0
#include "rights.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "helper.h"
#include "support/loopback.h"

namespace nsgate::test {

int bring_loopback_up() { return set_loopback_up(); }

int join_stdin() {
  constexpr const char* own = "/proc/self/ns/net";
  struct stat status {};
  if (::lstat(own, &status) != 0) return helper_system;
  const int opened = ::open(own, O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
  const int joined = ::setns(STDIN_FILENO, CLONE_NEWNET) == 0 ? 0 : errno;
  std::cout << joined << ' ' << ::prctl(PR_GET_DUMPABLE) << ' ' << status.st_uid << ' ' << opened
            << '\n';
  return 0;
}

}  // namespace nsgate::test
