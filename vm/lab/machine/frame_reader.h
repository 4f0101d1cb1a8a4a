// SPDX-License-Identifier: Apache-2.0
//
// Turns what a guest sent into the results of its tests, and fails closed: a stream that is not
// exactly what was asked for is an error, never a pass.
//
//   FrameReader reader({.nonce = nonce, .user = "root", .release = "", .tests = plan.tests});
//   reader.feed(bytes);   // as they arrive, cut anywhere
//   reader.finish();      // the guest has ended
//   if (reader.error()) …
//
// The first error wins and nothing is read after it. What came whole before it is kept.
// Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/machine/frame_body.h"

namespace nsgate::lab {

class FrameReader {
 public:
  /// What the guest was asked to do.
  struct Expectation {
    std::string nonce;
    std::string user;
    std::string release;             ///< empty when it is not known in advance
    std::vector<std::string> tests;  ///< in this order
  };

  explicit FrameReader(Expectation expectation);

  void feed(std::string_view bytes);
  /// The stream has ended by itself: a last line without its end, or no bye, is an error.
  void finish();

  const std::optional<std::string>& error() const { return error_; }
  std::uint64_t frames() const { return next_sequence_; }  ///< whole and in order so far
  const std::optional<Hello>& hello() const { return hello_; }
  const std::vector<TestEnd>& ended() const { return ended_; }
  /// The test that has started and not ended; nullptr between two.
  const std::string* running() const;
  /// The last frame has come: a bye whose counts agree, or `unavailable`.
  bool complete() const { return complete_; }
  /// Why the guest ended, in good order, before its last test; empty when it did not.
  const std::string& retired() const { return retired_; }
  const std::vector<Leak>& leaks() const { return leaks_; }
  /// Why the guest cannot be what was asked for; then no test was run.
  const std::optional<std::string>& unavailable() const { return unavailable_; }

 private:
  void take_line();
  std::optional<std::string> accept(const Hello& hello);
  std::optional<std::string> accept(const Unavailable& unavailable);
  std::optional<std::string> accept(const TestStart& start);
  std::optional<std::string> accept(const TestEnd& end);
  std::optional<std::string> accept(const Leak& leak);
  std::optional<std::string> accept(const Beat& beat);
  std::optional<std::string> accept(const Bye& bye);
  void fail(const std::string& what);

  Expectation expectation_;
  std::string line_;
  std::uint64_t next_sequence_ = 0;
  std::optional<Hello> hello_;
  std::vector<TestEnd> ended_;
  std::vector<Leak> leaks_;
  std::string retired_;
  std::optional<std::string> unavailable_;
  bool running_ = false;
  bool complete_ = false;
  std::optional<std::string> error_;
};

}  // namespace nsgate::lab
