// SPDX-License-Identifier: Apache-2.0
#include "support/child_output.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "nsgate/fd.h"
#include "support/thread_sanitizer.h"

namespace nsgate::test {

ChildOutput output_of_child(const std::function<int()>& f) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  const Fd read(ends[0]);
  Fd write(ends[1]);
  stop_sanitizer_thread();
  ChildOutput child{.pid = ::fork(), .status = 0, .out = {}};
  if (child.pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child.pid == 0) {
    wait_for_end_of_sanitizer_thread();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(write.get(), STDOUT_FILENO);
    // An exception must end the child, not go on in a second copy of the test program.
    ::_exit([&f]() noexcept { return f(); }());
  }
  write.reset();
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(read.get(), buffer.data(), buffer.size())) != 0;) {
    if (n > 0) child.out.append(buffer.data(), static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  while (::waitpid(child.pid, &child.status, 0) < 0 && errno == EINTR) {
  }
  return child;
}

}  // namespace nsgate::test
