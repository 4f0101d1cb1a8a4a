// SPDX-License-Identifier: Apache-2.0
#include "support/two_threads.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <system_error>
#include <thread>

#include "support/namespaces.h"

namespace nsgate::test {
namespace {

constexpr int end_signal = SIGUSR1;

/// The other thread's beginning. Returns 0 or an errno.
int leave_leader(int held_by_leader) {
  // With descriptors of its own, this thread does not keep the pipe open.
  if (::unshare(CLONE_FILES) != 0 || ::close(held_by_leader) != 0) return errno;
  return unshare_mapped(CLONE_NEWNET);
}

int start(int held_by_leader) {
  if (const int error = unshare_mapped(CLONE_NEWNET); error != 0) return error;
  // exit(2) itself, which ends one thread.
  ::signal(end_signal, [](int) { ::syscall(SYS_exit, 0); });
  std::promise<int> started;
  std::thread([&started, held_by_leader] {
    started.set_value(leave_leader(held_by_leader));
    for (;;) ::pause();
  }).detach();
  return started.get_future().get();
}

}  // namespace

TwoThreads::Pipe TwoThreads::make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

TwoThreads::TwoThreads() : TwoThreads(make_pipe()) {}

TwoThreads::TwoThreads(Pipe held_by_leader)
    : ParkedProcess([&] { return start(held_by_leader.write.get()); }),
      leader_(std::move(held_by_leader.read)) {}

pid_t TwoThreads::other_thread() const {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid()) + "/task")) {
    const pid_t tid = std::stoi(task.path().filename());
    if (tid != pid()) return tid;
  }
  throw std::runtime_error("the process has no other thread");
}

std::string TwoThreads::netns_of_other_thread() const {
  return "/proc/" + std::to_string(pid()) + "/task/" + std::to_string(other_thread()) + "/ns/net";
}

void TwoThreads::end_leader() {
  ::syscall(SYS_tgkill, pid(), pid(), end_signal);
  // An ending thread closes its files after it has left its namespaces (do_exit in kernel/exit.c:
  // the last close is task work).
  char byte = 0;
  while (::read(leader_.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace nsgate::test
