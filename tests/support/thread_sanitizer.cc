// SPDX-License-Identifier: Apache-2.0
#include "support/thread_sanitizer.h"

#include "support/thread_state.h"

#ifdef NSGATE_THREAD_SANITIZER
#include <sanitizer/common_interface_defs.h>

#include <thread>

/// The sanitizer asks the program for its defaults; TSAN_OPTIONS changes them.
extern "C" const char* __tsan_default_options() {
  // A child of a process with threads may start threads, too.
  return "die_after_fork=0";
}
#endif

namespace nsgate::test {

#ifdef NSGATE_THREAD_SANITIZER

void stop_sanitizer_thread() {
  [[maybe_unused]] static const bool once = [] {
    // With its first thread a process gets the sanitizer's, and the means to stop it.
    std::thread([] {}).join();
    // Stops it, for the sake of sandboxes; children inherit the order to stop.
    __sanitizer_sandbox_on_notify(nullptr);
    return true;
  }();
}

void wait_for_end_of_sanitizer_thread() { wait_until_single_threaded(); }

#else

void stop_sanitizer_thread() {}
void wait_for_end_of_sanitizer_thread() {}

#endif

}  // namespace nsgate::test
