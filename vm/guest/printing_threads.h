// SPDX-License-Identifier: Apache-2.0
//
// Kernel threads that write the kernel's log to the console, as in kernels with PREEMPT_RT: there a
// restart overtakes the messages before it, its own included.
//
//   PrintingThreads threads;              // before the last message
//   … the last message is written to /dev/kmsg …
//   threads.wait_until_idle(patience);    // each has printed something and sleeps again
//
// Source: legacy_kthread_func() and nbcon_kthread_func(), kernel/printk (since Linux 6.12); both
// sleep only when nothing is left to print. Not thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace nsgate::guest {

class PrintingThreads {
 public:
  PrintingThreads();

  /// The kernel prints by itself, at once.
  bool none() const { return threads_.empty(); }

  /// Until each has run and sleeps again, or `patience` has passed: then the lab misses the last
  /// message.
  void wait_until_idle(std::chrono::milliseconds patience) const;

 private:
  struct Thread {
    std::string status;  ///< "PID/status", in /proc
    std::string before;  ///< how often it had gone to sleep
  };
  std::vector<Thread> threads_;
};

}  // namespace nsgate::guest
