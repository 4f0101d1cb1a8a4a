// SPDX-License-Identifier: Apache-2.0
//
// The stream of a guest: bytes that are no frames, and whole frames in any order.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "frame/frame.h"
#include "lab/machine/frame_reader.h"

namespace {

using nsgate::lab::FrameReader;

constexpr std::string_view nonce = "nonce";

void require(bool law) {
  if (!law) std::abort();
}

FrameReader reader_of_two_tests() {
  return FrameReader(
      {.nonce = std::string(nonce), .user = "root", .release = "", .tests = {"A.One", "A.Two"}});
}

/// A line that begins with "!" stands for the frame "<kind> <body>" in its place, so that the
/// fuzzer need not find checksums.
std::string with_frames(std::string_view text) {
  std::string stream;
  for (std::uint64_t sequence = 0; !text.empty();) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!line.starts_with('!')) {
      stream.append(line).append(end == std::string_view::npos ? "" : "\n");
      continue;
    }
    line.remove_prefix(1);
    const auto blank = line.find(' ');
    const bool has_body = blank != line.npos;
    stream += nsgate::frame::encode({.sequence = sequence++,
                                     .kind = std::string(line.substr(0, blank)),
                                     .body = std::string(has_body ? line.substr(blank + 1) : "")},
                                    nonce);
  }
  return stream;
}

void is_consistent(const FrameReader& reader) {
  require(reader.ended().size() <= 2);
  require(reader.error() || reader.complete());
  if (reader.complete() && !reader.error()) {
    require(reader.running() == nullptr);
    require(reader.unavailable() || reader.ended().size() == 2 || !reader.retired().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto stream = with_frames({reinterpret_cast<const char*>(data), size});
  auto at_once = reader_of_two_tests();
  at_once.feed(stream);
  at_once.finish();
  is_consistent(at_once);
  // Wherever the bytes are cut, they say the same.
  auto in_two = reader_of_two_tests();
  in_two.feed(std::string_view(stream).substr(0, stream.size() / 2));
  in_two.feed(std::string_view(stream).substr(stream.size() / 2));
  in_two.finish();
  require(in_two.error() == at_once.error() && in_two.frames() == at_once.frames() &&
          in_two.ended().size() == at_once.ended().size());
  return 0;
}
