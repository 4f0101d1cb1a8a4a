// SPDX-License-Identifier: Apache-2.0
//
// The wire between the guest's init and the lab: one frame a line on the second serial port.
//
//   @<sequence> <crc32> <length> <kind> <body>\n
//
//   @3 5d0f19aa 32 start {"test":"InNetns.Returns"}
//
// The sequence counts from 0 without a hole. The length counts the bytes of "<kind> <body>". The
// checksum is CRC-32 (IEEE 802.3) over "<nonce> <sequence> <kind> <body>", where the nonce is a
// secret of this boot that only init and the lab know: a test that writes to the port cannot forge
// a frame by copying an old one. The body is one JSON object in ASCII without control characters.
// Everything else on the line is an error, and an error is never a pass.
//
// A kernel that lacks what the profile needs: one `unavailable` and nothing else. Otherwise, in
// order: one `hello`; for each test `start`, then `end`; `beat` at any time, so that a
// hanging guest can be told from a hanging test; one `bye`, whose counts must agree.
//
// Shared by vm/guest (which has no library) and vm/lab: it uses neither exceptions nor JSON.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace nsgate::frame {

struct Frame {
  std::uint64_t sequence = 0;
  std::string kind;  ///< unavailable, hello, start, end, beat, bye
  std::string body;  ///< a JSON object
  friend bool operator==(const Frame&, const Frame&) = default;
};

/// A frame longer than this is an error: no test may fill the lab's memory.
inline constexpr std::size_t max_line = 1 << 20;

std::uint32_t crc32(std::string_view bytes);

/// The line for one frame, newline included.
std::string encode(const Frame& frame, std::string_view nonce);

/// Reads one line, newline excluded. The error says what is wrong with it, for a person.
std::expected<Frame, std::string> decode(std::string_view line, std::string_view nonce);

}  // namespace nsgate::frame
