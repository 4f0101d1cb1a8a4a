// SPDX-License-Identifier: Apache-2.0
//
// What the frames of a guest say, once their JSON is read.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>

#include "frame/frame.h"

namespace nsgate::lab {

struct Hello {
  std::string release;  ///< as uname -r says
  std::string user;
  std::uint64_t tests;  ///< how many the guest was asked to run
  /// How slow the guest is, in thousandths of the machine of reference (guest/slow_factor.h).
  std::uint64_t slow = 1000;
  std::uint64_t tainted = 0;  ///< /proc/sys/kernel/tainted
};

/// Instead of hello: the kernel lacks what the profile wants to set.
struct Unavailable {
  std::string reason;
};

struct TestStart {
  std::string test;
};

/// How the process of one test ended: it exited or a signal killed it, never both.
struct TestEnd {
  std::string test;
  std::optional<int> exited;
  std::optional<int> signaled;
  std::chrono::microseconds time{0};
  std::string xml;            ///< GoogleTest's report; empty when there is none
  std::string output;         ///< the end of what the test printed
  std::string warnings;       ///< what the kernel warned of meanwhile, by /dev/kmsg
  std::uint64_t tainted = 0;  ///< after it
  std::uint64_t lost = 0;     ///< warnings at least that were overwritten unread
  bool timed_out = false;     ///< init killed it at its deadline
  bool stuck = false;         ///< its processes could not be killed
};

struct Beat {};

/// Something was still there after all processes of the test had gone.
struct Leak {
  std::string test;
  std::string what;
};

struct Bye {
  std::uint64_t tests;   ///< that have ended
  std::uint64_t frames;  ///< sent before this one
  std::string retired;   ///< why the guest ended before its last test; empty when it did not
};

using FrameBody = std::variant<Hello, Unavailable, TestStart, TestEnd, Leak, Beat, Bye>;

/// Reads the body that the frame's kind asks for: every key present and of its type, and no other.
/// The error says what is wrong, for a person.
std::expected<FrameBody, std::string> parse_body(const frame::Frame& frame);

}  // namespace nsgate::lab
