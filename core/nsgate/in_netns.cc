// SPDX-License-Identifier: Apache-2.0
#include "nsgate/in_netns.h"

#include <pthread.h>
#include <sched.h>

#include <cerrno>

#include "nsgate/cancellation.h"
#include "nsgate/filter.h"

namespace nsgate::detail {
namespace {

struct Worker {
  int netns;
  void (*call)(void*);
  void* context;
  int setns_error = 0;
  std::string note = {};
  bool returned = false;
};

void* worker_main(void* argument) {
  auto& worker = *static_cast<Worker*>(argument);
  if (::setns(worker.netns, CLONE_NEWNET) != 0) {
    worker.setns_error = errno;
    worker.note = filter_note(worker.setns_error);
    return nullptr;
  }
  worker.call(worker.context);
  worker.returned = true;
  return nullptr;
}

}  // namespace

Result<void> run_on_worker(const Target& target, void (*call)(void*), void* context) {
  // pthread_join(3) is a cancellation point, and a caller that unwound there would take the stack
  // away that the closure still uses.
  const CancellationHeldOff held_off;
  const auto netns = Netns::open(target);
  if (!netns) return std::unexpected(netns.error());

  Worker worker{.netns = netns->fd(), .call = call, .context = context};
  pthread_t thread{};
  if (const int error = ::pthread_create(&thread, nullptr, &worker_main, &worker); error != 0) {
    return std::unexpected(Error{Stage::thread, error, target.to_string()});
  }
  ::pthread_join(thread, nullptr);

  if (worker.setns_error != 0) {
    return std::unexpected(
        Error{Stage::setns_net, worker.setns_error, target.to_string(), 0, worker.note});
  }
  if (!worker.returned) return std::unexpected(Error{Stage::worker, 0, target.to_string()});
  return {};
}

}  // namespace nsgate::detail
