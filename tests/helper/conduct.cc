// SPDX-License-Identifier: Apache-2.0
#include "conduct.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "helper.h"

namespace nsgate::test {
namespace {

bool say(int fd, std::string_view text) {
  return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool say_pid_to_stdin() { return say(STDIN_FILENO, std::to_string(::getpid()) + '\n'); }

void wait_for_end_of_stdin() {
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

}  // namespace

int abandon_stdout() {
  ::close(STDOUT_FILENO);
  return say(STDERR_FILENO, "still here") ? 0 : helper_system;
}

int write_chunks(const std::vector<std::string>& chunks) {
  char letter = 'a';
  for (const auto& chunk : chunks) {
    const std::string bytes(std::stoul(chunk.substr(1)), letter);
    if (!say(chunk.front() == 'o' ? STDOUT_FILENO : STDERR_FILENO, bytes)) return helper_system;
    letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
  }
  return 0;
}

int dump_core() { std::abort(); }

int flood() {
  const std::string bytes(65536, 'o');
  while (say(STDOUT_FILENO, bytes)) {
  }
  return helper_system;
}

int linger() {
  const pid_t pid = ::fork();
  if (pid < 0) return helper_system;
  if (pid == 0) {
    wait_for_end_of_stdin();
    return say(STDOUT_FILENO, "late\n") ? 0 : helper_system;
  }
  return say(STDOUT_FILENO, "early\n") && say_pid_to_stdin() ? 0 : helper_system;
}

int stop(int code) {
  if (!say_pid_to_stdin()) return helper_system;
  ::raise(SIGSTOP);
  return code;
}

}  // namespace nsgate::test
