// SPDX-License-Identifier: Apache-2.0
//
// What a frame holds. Its checksum proves who wrote it, and init carries along what a test wrote:
// names, reports, output.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lab/machine/frame_body.h"

// The kind, a blank, the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto blank = bytes.find(' ');
  const bool has_body = blank != std::string_view::npos;
  const nsgate::frame::Frame frame{.sequence = 0,
                                   .kind = std::string(bytes.substr(0, blank)),
                                   .body = std::string(has_body ? bytes.substr(blank + 1) : "")};
  const auto body = nsgate::lab::parse_body(frame);
  if (!body && body.error().empty()) std::abort();
  if (!body) return 0;
  const auto* const end = std::get_if<nsgate::lab::TestEnd>(&*body);
  // How a process ended is one of two.
  if (end != nullptr && end->exited.has_value() == end->signaled.has_value()) std::abort();
  return 0;
}
