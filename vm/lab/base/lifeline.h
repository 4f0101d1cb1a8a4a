// SPDX-License-Identifier: Apache-2.0
//
// Notices that whoever started the program is gone: the other end of its stdin is closed, as sshd
// does when the connection ends (without a terminal there is no SIGHUP, and a program that only
// waits would never know).
//
//   const LifelineWatch watch(STDIN_FILENO, [] { interrupt(); });
//
// What comes before the end is read and thrown away.
#pragma once

#include <functional>
#include <thread>

namespace nsgate::lab {

class LifelineWatch {
 public:
  /// `lost` is called once at most, from another thread: at the end of the file or an error.
  LifelineWatch(int fd, std::function<void()> lost);
  LifelineWatch(const LifelineWatch&) = delete;
  /// After it, `lost` is not called any more.
  ~LifelineWatch();

 private:
  int stop_;
  std::thread thread_;
};

}  // namespace nsgate::lab
