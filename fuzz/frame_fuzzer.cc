// SPDX-License-Identifier: Apache-2.0
//
// The frames of the guest, which a test inside it may try to forge.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "frame/frame.h"

namespace {

using nsgate::frame::Frame;

// A seed that is a valid line has its checksum over this.
constexpr std::string_view nonce = "nonce";

// Not assert(3): NDEBUG must not disarm it.
void require(bool law) {
  if (!law) std::abort();
}

/// Whatever the bytes, they decode to the one frame that encodes to them, or to an error that says
/// something.
void decoding_is_exact(std::string_view bytes) {
  const auto frame = nsgate::frame::decode(bytes, nonce);
  require(frame ? nsgate::frame::encode(*frame, nonce) == std::string(bytes) + '\n'
                : !frame.error().empty());
}

/// Whatever the frame, its line decodes to it, and a line with one flipped bit is refused.
void one_flipped_bit_is_refused(const Frame& frame, std::size_t bit) {
  std::string line = nsgate::frame::encode(frame, nonce);
  line.pop_back();  // the newline
  require(nsgate::frame::decode(line, nonce) == frame);
  char& flipped = line[bit / 8 % line.size()];
  flipped = static_cast<char>(static_cast<unsigned char>(flipped) ^ (1u << bit % 8));
  require(!nsgate::frame::decode(line, nonce));
}

/// Takes a little-endian number off the front.
std::uint64_t take_number(std::string_view& bytes, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size && !bytes.empty(); ++i) {
    number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes.front())) << (8 * i);
    bytes.remove_prefix(1);
  }
  return number;
}

}  // namespace

// For the second law: two bytes for the bit, two for the sequence, the kind, a blank, the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  decoding_is_exact(bytes);

  const auto bit = static_cast<std::size_t>(take_number(bytes, 2));
  const std::uint64_t sequence = take_number(bytes, 2);
  const auto blank = bytes.find(' ');
  const bool has_body = blank != std::string_view::npos;
  one_flipped_bit_is_refused({.sequence = sequence,
                              .kind = std::string(bytes.substr(0, blank)),
                              .body = std::string(has_body ? bytes.substr(blank + 1) : "")},
                             bit);
  return 0;
}
