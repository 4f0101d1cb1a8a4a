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
  std::string xml;         ///< GoogleTest's report; empty when there is none
  std::string output;      ///< the end of what the test printed
  bool timed_out = false;  ///< init killed it at its deadline
  bool stuck = false;      ///< its processes could not be killed
};

struct Beat {};

struct Bye {
  std::uint64_t tests;   ///< that have ended
  std::uint64_t frames;  ///< sent before this one
};

using FrameBody = std::variant<Hello, TestStart, TestEnd, Beat, Bye>;

/// Reads the body that the frame's kind asks for: every key present and of its type, and no other.
/// The error says what is wrong, for a person.
std::expected<FrameBody, std::string> parse_body(const frame::Frame& frame);

}  // namespace nsgate::lab
