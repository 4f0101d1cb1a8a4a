// SPDX-License-Identifier: Apache-2.0
//
// Plays the guest for the tests of the lab: numbers and encodes frames as init does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "frame/frame.h"

namespace nsgate::lab {

inline constexpr std::string_view test_nonce = "00112233445566778899aabbccddeeff";

/// Each call adds one frame; take() hands over what was added since the last.
class GuestFrames {
 public:
  GuestFrames& send(const std::string& kind, const std::string& body) {
    return raw(frame::encode({next_++, kind, body}, test_nonce));
  }
  GuestFrames& hello(std::size_t tests, const std::string& user = "root", unsigned slow = 1000) {
    return send("hello", R"({"release":"6.1.0-56-cloud-amd64","user":")" + user + R"(","tests":)" +
                             std::to_string(tests) + R"(,"slow":)" + std::to_string(slow) +
                             R"(,"tainted":0})");
  }
  GuestFrames& start(const std::string& test) {
    return send("start", R"({"test":")" + test + "\"}");
  }
  /// A test that exited with 0 and left the report `xml` (base64).
  GuestFrames& end(const std::string& test, const std::string& xml = "",
                   const std::string& kernel = R"("warnings":"","tainted":0,"lost":0)") {
    return send("end", R"({"test":")" + test + R"(","exited":0,"microseconds":1500,"xml":")" + xml +
                           R"(","output":"",)" + kernel + "}");
  }
  GuestFrames& bye(std::size_t tests, const std::string& retired = "") {
    return send("bye", "{\"tests\":" + std::to_string(tests) + ",\"frames\":" +
                           std::to_string(next_) + ",\"retired\":\"" + retired + "\"}");
  }
  GuestFrames& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  GuestFrames& skip_a_number() {
    ++next_;
    return *this;
  }
  std::string take() { return std::exchange(bytes_, {}); }

 private:
  std::uint64_t next_ = 0;
  std::string bytes_;
};

}  // namespace nsgate::lab
