// SPDX-License-Identifier: Apache-2.0
//
// The thread strategy for a caller that enters the same namespace often: a worker stays inside.
//
//   auto blue = nsgate::Resident::open(nsgate::Target::name("blue"));
//   auto links = blue->run([] { return count_links(); });   // no thread is started
//
// Back to back, a call costs a small part of in_netns: bench/resident_bench.cc. After an idle
// moment it costs a wake-up of the worker and one of the caller, which is no better than a thread.
#pragma once

#include <memory>

#include "nsgate/error.h"
#include "nsgate/in_netns.h"
#include "nsgate/target.h"

namespace nsgate {

/// One worker thread in one network namespace, which it keeps alive. It never serves another
/// target.
///
/// What calls share, unlike those of in_netns: the thread. Its thread_local variables live on, and
/// so does what a closure did to it (credentials, securebits, scheduling, other namespaces, its
/// name). Only the network namespace is put right before every call. All signals are blocked on it.
/// For some 20 µs after a call it spins, where the process has more than one processor.
/// Test: Resident.EveryCallRunsOnOneThread*, Resident.ClosureThatMoved*,
/// Resident.SignalsOfTheProcess*.
///
/// Thread-safe: concurrent calls take turns; a call from inside a closure runs there and then. (But
/// closures of two that call each other in a circle wait for ever.) In a forked child, which is
/// told by its pid, the next call starts a worker anew and must not be concurrent with another; the
/// child shares nothing with its parent. One that was moved from is refused, Stage::open EBADF.
/// Test: Resident.ConcurrentCalls*, Resident.CallFromInside*, Resident.Fork*, Resident.MovedFrom*.
class Resident {
 public:
  /// Fails as in_netns does, before any closure. The namespace is the target's of this moment: a
  /// process that moves is not followed. Test: Resident.FailsToOpen*, Resident.KeepsItsNamespace*.
  static Result<Resident> open(const Target& target);
  Resident(Resident&&) noexcept;
  Resident& operator=(Resident&&) noexcept;
  /// Ends the worker. REQUIRES: no call is under way, and so not from inside a closure.
  /// Test: Resident.LeavesNoThreadAndNoDescriptor.
  ~Resident();

  /// Runs `f` on the worker and returns what it returned. Fails, and lets exceptions through, as
  /// in_netns does. A worker that died (Stage::worker) or could not be put right (Stage::setns_net)
  /// is replaced by the next call. A cancellation of the caller waits until the call is over.
  /// Test: Resident.Returns*, Resident.Exception*, Resident.DeadWorker*,
  /// Resident.WorkerThatCannot*.
  template <std::invocable F>
  InNetnsResult<F> run(F&& f) {
    detail::Invocation<F> invocation(f);
    return invocation.take(call(&detail::Invocation<F>::run, &invocation));
  }

 private:
  struct State;
  explicit Resident(std::unique_ptr<State> state);
  Result<void> call(void (*closure)(void*), void* context);

  std::unique_ptr<State> state_;
};

}  // namespace nsgate
