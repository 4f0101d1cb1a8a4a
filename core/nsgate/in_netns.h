// SPDX-License-Identifier: Apache-2.0
//
// The thread strategy: runs a closure inside a network namespace.
//
//   auto links = nsgate::in_netns(nsgate::Target::process(4711), [] { return count_links(); });
//
// A new thread joins the namespace, runs the closure and ends; the caller waits for it. The calling
// thread never changes namespace, so there is nothing to restore and no way to fail to restore it,
// and the closure may use whatever the caller can reach.
//
// It cannot join a user namespace: setns(2) refuses CLONE_NEWUSER to a process with threads. The
// rootless way is exec_in_user_netns (exec.h).
//
// Thread-safe: any number of calls at once, nested ones included. Not async-signal-safe.
// Test: InNetns.NamespacesAreEnteredAtOnce*, InNetns.OneNamespaceIsEntered*, InNetns.NestsInItself.
#pragma once

#include <cxxabi.h>

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "nsgate/error.h"
#include "nsgate/netns.h"

namespace nsgate {

namespace detail {

template <typename Returned>
struct Flattened {
  using type = Result<std::remove_cvref_t<Returned>>;
};
template <typename Referred>
struct Flattened<Referred&> {
  using type = Result<std::reference_wrapper<Referred>>;
};
template <typename Value>
struct Flattened<Result<Value>> {
  using type = Result<Value>;
};

}  // namespace detail

/// What in_netns returns for a closure: Result<T> for one that returns T, void included;
/// Result<std::reference_wrapper<T>> for T&; and Result<T>, not nested, for Result<T>.
/// Test: InNetns.Returns*, InNetns.FlattensAResultOfTheClosure.
template <std::invocable F>
using InNetnsResult = typename detail::Flattened<std::invoke_result_t<F>>::type;

/// Runs `f` on a fresh thread inside `target` and returns what it returned.
///
/// Fails, without calling `f`, at
///   Stage::open       the target could not be opened (see Netns::open)
///   Stage::thread     EAGAIN: no thread could be started (pthread_create(3))
///   Stage::setns_net  EPERM: CAP_SYS_ADMIN is missing in the caller's user namespace or in the one
///                     that owns the target (setns(2)); the note tells a seccomp filter's
/// and after calling it at
///   Stage::worker     the thread ended by pthread_exit, cancellation or a raw exit, so that there
///                     is no result
/// Test: InNetns.FailureOf*, InNetns.Needs*, InNetns.PthreadExit*, InNetns.RawExit*.
///
/// An exception that leaves `f` leaves in_netns with its type and value. The thread shares with the
/// caller what threads share: memory, descriptors, cwd, umask, signal handlers; it inherits the
/// signal mask. What it leaves behind in the namespace (threads, sockets) keeps the namespace
/// alive; and the kernel itself lets go of it only a moment after the call. A cancellation of the
/// caller (pthread_cancel(3)) waits until the call is over.
/// Test: InNetns.Exception*, InNetns.ThreadLeftBehind*, InNetns.CancelledCallerWaits*,
/// InNetns.EnvironmentDescriptors*, InNetns.WorkingDirectory*.
template <std::invocable F>
InNetnsResult<F> in_netns(const Target& target, F&& f);

// Implementation.

namespace detail {

/// Calls call(context) on a thread inside `target`. Fails as in_netns does; Stage::worker when
/// `call` did not return.
Result<void> run_on_worker(const Target& target, void (*call)(void*), void* context);

template <typename F>
class Invocation {
 public:
  explicit Invocation(F& f) : f_(f) {}

  static void run(void* self) { static_cast<Invocation*>(self)->run(); }

  InNetnsResult<F> take(const Result<void>& ended) {
    if (exception_) std::rethrow_exception(std::move(exception_));
    if (!ended) return std::unexpected(ended.error());
    return std::move(*result_);
  }

 private:
  using Returned = std::invoke_result_t<F>;

  void run() {
    try {
      if constexpr (std::is_void_v<Returned>) {
        std::invoke(std::forward<F>(f_));
        result_.emplace();
      } else if constexpr (std::is_same_v<std::remove_cv_t<Returned>, InNetnsResult<F>>) {
        result_.emplace(std::invoke(std::forward<F>(f_)));
      } else {
        result_.emplace(std::in_place, std::invoke(std::forward<F>(f_)));
      }
    } catch (const abi::__forced_unwind&) {
      // pthread_exit and cancellation unwind by this; glibc aborts the process when it is
      // swallowed.
      throw;
    } catch (...) {
      exception_ = std::current_exception();
    }
  }

  F& f_;
  std::optional<InNetnsResult<F>> result_;
  std::exception_ptr exception_;
};

}  // namespace detail

template <std::invocable F>
InNetnsResult<F> in_netns(const Target& target, F&& f) {
  detail::Invocation<F> invocation(f);
  return invocation.take(detail::run_on_worker(target, &detail::Invocation<F>::run, &invocation));
}

}  // namespace nsgate
