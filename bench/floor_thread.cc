// SPDX-License-Identifier: Apache-2.0
#include "floor_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include <cerrno>

#include "nsgate/fd.h"

namespace nsgate::bench {
namespace {

struct Work {
  int netns;  ///< -1: none to join
  int error = 0;
};

int run_on_thread(Work work) {
  pthread_t thread{};
  const auto main = [](void* argument) -> void* {
    auto& given = *static_cast<Work*>(argument);
    if (given.netns >= 0 && ::setns(given.netns, CLONE_NEWNET) != 0) given.error = errno;
    return nullptr;
  };
  if (const int error = ::pthread_create(&thread, nullptr, main, &work); error != 0) return error;
  ::pthread_join(thread, nullptr);
  return work.error;
}

}  // namespace

int start_and_join() { return run_on_thread({.netns = -1}); }

int enter_barely(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file ? run_on_thread({.netns = file.get()}) : errno;
}

}  // namespace nsgate::bench
