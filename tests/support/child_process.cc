// SPDX-License-Identifier: Apache-2.0
#include "support/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "support/thread_sanitizer.h"

namespace nsgate::test {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Forks a child that dies with this thread, so that a failed test leaves nothing behind.
pid_t fork_attached() {
  stop_sanitizer_thread();
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    wait_for_end_of_sanitizer_thread();
  }
  return pid;
}

bool read_all(int fd, void* bytes, std::size_t size) {
  auto* next = static_cast<char*>(bytes);
  while (size > 0) {
    const auto n = ::read(fd, next, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    next += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

namespace detail {

void ask_child(const std::function<void(void*)>& ask, void* answer, std::size_t size) {
  Pipe pipe = make_pipe();
  const pid_t pid = fork_attached();
  if (pid == 0) {
    std::vector<char> buffer(size);
    // An exception must end the child, not go on in a second copy of the test program.
    [&]() noexcept { ask(buffer.data()); }();
    const auto sent = ::write(pipe.write.get(), buffer.data(), size);
    ::_exit(sent == static_cast<ssize_t>(size) ? 0 : 1);
  }
  pipe.write.reset();
  const bool whole = read_all(pipe.read.get(), answer, size);
  const int status = wait_for(pid);
  if (!whole) {
    throw std::runtime_error("the child gave no answer; its wait status is " +
                             std::to_string(status));
  }
}

}  // namespace detail

ParkedProcess::ParkedProcess(const std::function<int()>& setup) : pid_(-1) {
  Pipe pipe = make_pipe();
  pid_ = fork_attached();
  if (pid_ == 0) {
    const int error = [&setup]() noexcept { return setup(); }();
    // A setup that changed credentials has cleared the death signal (prctl(2)).
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    [[maybe_unused]] const auto sent = ::write(pipe.write.get(), &error, sizeof error);
    while (error == 0) ::pause();
    ::_exit(1);
  }
  pipe.write.reset();
  int error = 0;
  const bool answered = read_all(pipe.read.get(), &error, sizeof error);
  if (answered && error == 0) return;
  reap();
  errno = answered ? error : ECHILD;
  throw_errno("setting a process up");
}

ParkedProcess::~ParkedProcess() { reap(); }

Fd ParkedProcess::open(const char* file) const {
  const std::string path = "/proc/" + std::to_string(pid_) + "/" + file;
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_errno(path);
  return fd;
}

void ParkedProcess::make_zombie() {
  ::kill(pid_, SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
}

void ParkedProcess::reap() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait_for(std::exchange(pid_, -1));
}

}  // namespace nsgate::test
