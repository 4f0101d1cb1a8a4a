// SPDX-License-Identifier: Apache-2.0
//
// pthread_cancel(3) against the calling thread, put off. Private to core.
#pragma once

#include <pthread.h>

namespace nsgate::detail {

/// Puts a cancellation off until the end of its scope. Without it a cancellation would act at any
/// open(2), write(2) or close(2): in a destructor, which ends the process; or in the child, which
/// shares the caller's thread descriptor and would unwind the caller's frames.
class CancellationHeldOff {
 public:
  CancellationHeldOff() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  CancellationHeldOff(const CancellationHeldOff&) = delete;
  ~CancellationHeldOff() { ::pthread_setcancelstate(before_, nullptr); }

  /// Calls `wait`, during which a cancellation acts if the caller allows it, by unwinding from
  /// here.
  template <typename Wait>
  auto let_through(Wait wait) const {
    struct Again {
      ~Again() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); }
    };
    ::pthread_setcancelstate(before_, nullptr);
    const Again again;
    return wait();
  }

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace nsgate::detail
