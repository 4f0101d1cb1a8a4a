// SPDX-License-Identifier: Apache-2.0
//
// Init's end of the second serial port, the only way by which results leave the guest.
//
//   Port port(plan.nonce);
//   port.send("start", R"({"test":"InNetns.Returns"})");
//
// Every failure gives up. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nsgate::guest {

class Port {
 public:
  /// Opens /dev/ttyS1 for init alone and sets it raw.
  explicit Port(std::string nonce);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  /// Returns once the kernel has taken the whole frame.
  void send(std::string_view kind, std::string_view body);
  /// Waits until the last byte has left the machine.
  void drain() const;
  std::uint64_t frames_sent() const { return sequence_; }

 private:
  std::string nonce_;
  std::uint64_t sequence_ = 0;
  int fd_ = -1;
};

}  // namespace nsgate::guest
