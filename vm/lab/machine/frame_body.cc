// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/frame_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "lab/base/base64.h"

namespace nsgate::lab {
namespace {

using nlohmann::json;

/// Takes keys out of an object one by one. The first thing that is wrong is kept, so that a body is
/// read in one breath and judged once, at the end.
class KeyReader {
 public:
  explicit KeyReader(json object) : object_(std::move(object)) {}

  bool has(const char* key) const { return object_.contains(key); }

  std::string text(const char* key) {
    const json value = take(key);
    if (value.is_string()) return value.get<std::string>();
    return complain(std::string("\"") + key + "\" is no text");
  }

  std::uint64_t count(const char* key) {
    const json value = take(key);
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    complain(std::string("\"") + key + "\" is no count");
    return 0;
  }

  int status(const char* key, std::uint64_t least, std::uint64_t most) {
    const auto value = count(key);
    if (value >= least && value <= most) return static_cast<int>(value);
    complain(std::string("\"") + key + "\" is out of range: " + std::to_string(value));
    return -1;
  }

  std::string base64(const char* key) {
    const auto bytes = decode_base64(text(key));
    return bytes ? *bytes : complain(std::string("\"") + key + "\" is no base64");
  }

  bool flag(const char* key) {
    if (!has(key)) return false;
    if (take(key) != json(true)) complain(std::string("\"") + key + "\" is not true");
    return true;
  }

  std::string complain(const std::string& what) {
    if (error_.empty()) error_ = what;
    return {};
  }

  std::expected<FrameBody, std::string> finish(FrameBody body) {
    if (!object_.empty()) complain("\"" + object_.begin().key() + "\" is no key of this frame");
    if (!error_.empty()) return std::unexpected(error_);
    return body;
  }

 private:
  json take(const char* key) {
    if (!has(key)) {
      complain(std::string("lacks \"") + key + '"');
      return nullptr;
    }
    json value = std::move(object_[key]);
    object_.erase(key);
    return value;
  }

  json object_;
  std::string error_;
};

TestEnd read_end(KeyReader& keys) {
  TestEnd end;
  end.test = keys.text("test");
  // With both, the other one is left over and is refused as a key of no frame.
  if (keys.has("signaled")) {
    end.signaled = keys.status("signaled", 1, 64);
  } else {
    end.exited = keys.status("exited", 0, 255);
  }
  const auto microseconds = keys.count("microseconds");
  constexpr std::chrono::microseconds a_year = std::chrono::hours(24 * 365);
  if (std::cmp_greater(microseconds, a_year.count())) {
    keys.complain("\"microseconds\" is out of range");
  }
  end.time = std::chrono::microseconds(microseconds);
  end.xml = keys.base64("xml");
  end.output = keys.base64("output");
  end.warnings = keys.base64("warnings");
  end.tainted = keys.count("tainted");
  end.lost = keys.count("lost");
  end.timed_out = keys.flag("timed_out");
  end.stuck = keys.flag("stuck");
  return end;
}

}  // namespace

std::expected<FrameBody, std::string> parse_body(const frame::Frame& frame) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::ranges::all_of(frame.body, printable)) return std::unexpected("its body is not ASCII");
  json object = json::parse(frame.body, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::unexpected("its body is no JSON object");
  KeyReader keys(std::move(object));
  if (frame.kind == "hello") {
    Hello hello{keys.text("release"), keys.text("user"), keys.count("tests"), keys.count("slow"),
                keys.count("tainted")};
    constexpr std::uint64_t slowest = 1'000'000;
    if (hello.slow < 1 || hello.slow > slowest) keys.complain("\"slow\" is out of range");
    return keys.finish(std::move(hello));
  }
  if (frame.kind == "unavailable") return keys.finish(Unavailable{keys.text("reason")});
  if (frame.kind == "leak") {
    Leak leak{keys.text("test"), keys.base64("what")};
    return keys.finish(std::move(leak));
  }
  if (frame.kind == "start") return keys.finish(TestStart{keys.text("test")});
  if (frame.kind == "end") return keys.finish(read_end(keys));
  if (frame.kind == "beat") return keys.finish(Beat{});
  if (frame.kind == "bye") {
    Bye bye{keys.count("tests"), keys.count("frames"), keys.text("retired")};
    return keys.finish(std::move(bye));
  }
  return std::unexpected("its kind is unknown");
}

}  // namespace nsgate::lab
