// SPDX-License-Identifier: Apache-2.0
//
// A point in time that several threads reach together.
//
//   Rendezvous inside(2);
//   auto other = std::async(std::launch::async, [&] { inside.meet(); return current_netns(); });
//   const auto result = in_netns(target, [&] { inside.meet(); … });
//
// Thread-safe. Meets once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace nsgate::test {

class Rendezvous {
 public:
  explicit Rendezvous(int parties) : missing_(parties) {}

  /// Waits for the others. Throws std::runtime_error when they do not come, so that a test whose
  /// other half failed ends by itself.
  void meet() {
    constexpr std::chrono::seconds patience(30);
    std::unique_lock lock(mutex_);
    if (--missing_ == 0) {
      complete_.notify_all();
    } else if (!complete_.wait_for(lock, patience, [this] { return missing_ <= 0; })) {
      throw std::runtime_error("nobody came to the rendezvous");
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable complete_;
  int missing_;
};

}  // namespace nsgate::test
