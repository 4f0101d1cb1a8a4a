// SPDX-License-Identifier: Apache-2.0
#include "guest/test_session.h"

#include <fcntl.h>
#include <unistd.h>

namespace nsgate::guest {

const char* begin_session(int output) {
  if (::setsid() < 0) return "setsid";
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) return "open /dev/null";
  if (::dup2(null, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
      ::dup2(output, STDERR_FILENO) < 0) {
    return "dup2";
  }
  return nullptr;
}

}  // namespace nsgate::guest
