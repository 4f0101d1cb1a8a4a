// SPDX-License-Identifier: Apache-2.0
//
// The statement of a death test: a closure in another network namespace, where the process is
// expected to end.
//
//   EXPECT_EXIT(run_inside([] { std::terminate(); }), KilledBySignal(SIGABRT), "");
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/thread_sanitizer.h"

namespace nsgate::test {

/// Returns where nothing could be tried, or where the closure has ended as any other; exits with 3
/// where it is an exception that comes back.
template <typename F>
void run_inside(F f) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  wait_for_end_of_sanitizer_thread();
  if (unshare_own() != 0) return;
  const ScratchNetns other;
  try {
    (void)in_netns(Target::process(other.pid()), f);
  } catch (...) {
    ::_exit(3);
  }
}

}  // namespace nsgate::test
