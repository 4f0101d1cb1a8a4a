// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/frame_reader.h"

#include "lab/base/plain_text.h"

namespace nsgate::lab {

FrameReader::FrameReader(Expectation expectation) : expectation_(std::move(expectation)) {}

const std::string* FrameReader::running() const {
  return running_ ? &expectation_.tests[ended_.size()] : nullptr;
}

void FrameReader::feed(std::string_view bytes) {
  while (!error_ && !bytes.empty()) {
    const auto end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > frame::max_line) {
      fail("longer than " + std::to_string(frame::max_line) + " bytes");
    } else if (end == std::string_view::npos) {
      return;
    } else {
      take_line();
      line_.clear();
      bytes.remove_prefix(end + 1);
    }
  }
}

void FrameReader::finish() {
  if (error_ || (complete_ && line_.empty())) return;
  if (!line_.empty()) {
    fail("cut before its end");
  } else {
    error_ = "the frames end after " + std::to_string(next_sequence_) + " without a bye";
  }
}

void FrameReader::take_line() {
  const auto frame = frame::decode(line_, expectation_.nonce);
  if (!frame) return fail(frame.error());
  if (complete_) return fail("comes after bye");
  if (frame->sequence != next_sequence_) {
    return fail("has number " + std::to_string(frame->sequence) +
                (frame->sequence > next_sequence_ ? ": frames are lost" : ": a repeat"));
  }
  const auto body = parse_body(*frame);
  if (!body) return fail(body.error());
  if (!hello_ && !std::holds_alternative<Hello>(*body) &&
      !std::holds_alternative<Unavailable>(*body)) {
    return fail("comes before hello");
  }
  const auto error = std::visit([this](const auto& known) { return accept(known); }, *body);
  if (error) return fail(*error);
  ++next_sequence_;
}

std::optional<std::string> FrameReader::accept(const Hello& hello) {
  if (hello_) return "is a second hello";
  if (hello.user != expectation_.user) {
    return "says that the user is " + hello.user + ", not " + expectation_.user;
  }
  if (hello.tests != expectation_.tests.size()) {
    return "says " + std::to_string(hello.tests) + " tests, not " +
           std::to_string(expectation_.tests.size());
  }
  if (!expectation_.release.empty() && hello.release != expectation_.release) {
    return "says that kernel " + hello.release + " runs, not " + expectation_.release;
  }
  hello_ = hello;
  return std::nullopt;
}

std::optional<std::string> FrameReader::accept(const TestStart& start) {
  if (running_) return "starts " + start.test + " while " + *running() + " runs";
  const auto due = ended_.size();
  if (due == expectation_.tests.size()) return "starts " + start.test + " after the last test";
  if (start.test != expectation_.tests[due]) {
    return "starts " + start.test + " where " + expectation_.tests[due] + " was due";
  }
  running_ = true;
  return std::nullopt;
}

std::optional<std::string> FrameReader::accept(const TestEnd& end) {
  if (!running_) return "ends " + end.test + ", which has not started";
  if (end.test != *running()) return "ends " + end.test + " while " + *running() + " runs";
  running_ = false;
  ended_.push_back(end);
  return std::nullopt;
}

std::optional<std::string> FrameReader::accept(const Unavailable& unavailable) {
  if (hello_) return "comes after hello";
  if (unavailable.reason.empty()) return "gives no reason";
  unavailable_ = unavailable.reason;
  complete_ = true;
  return std::nullopt;
}

std::optional<std::string> FrameReader::accept(const Leak& leak) {
  if (running_) return "is a leak while " + *running() + " runs";
  if (ended_.empty() || leak.test != ended_.back().test) {
    return "blames " + leak.test + ", which is not the test that ended last";
  }
  if (leak.what.empty()) return "does not say what leaked";
  leaks_.push_back(leak);
  return std::nullopt;
}

std::optional<std::string> FrameReader::accept(const Beat&) { return std::nullopt; }

std::optional<std::string> FrameReader::accept(const Bye& bye) {
  if (running_) return "is a bye while " + *running() + " runs";
  if (bye.frames != next_sequence_) {
    return "says " + std::to_string(bye.frames) + " frames, and " + std::to_string(next_sequence_) +
           " came";
  }
  const bool all = ended_.size() == expectation_.tests.size();
  if (bye.tests != ended_.size() || (!all && bye.retired.empty())) {
    return "says " + std::to_string(bye.tests) + " tests; " + std::to_string(ended_.size()) +
           " ended of " + std::to_string(expectation_.tests.size());
  }
  retired_ = bye.retired;
  complete_ = true;
  return std::nullopt;
}

void FrameReader::fail(const std::string& what) {
  constexpr std::size_t shown = 80;
  error_ = "frame " + std::to_string(next_sequence_) + ": " + what + ": " +
           plain_text(std::string_view(line_).substr(0, shown)) + (line_.size() > shown ? "…" : "");
}

}  // namespace nsgate::lab
