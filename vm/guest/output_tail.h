// SPDX-License-Identifier: Apache-2.0
//
// The end of what a test printed: the part that tells why it failed. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nsgate::guest {

class OutputTail {
 public:
  static constexpr std::size_t limit = 16 * 1024;

  void append(std::string_view bytes);
  /// The last `limit` bytes; when some came before them, a first line says how many.
  std::string text() const;

 private:
  std::string kept_;  // up to twice the limit, so that not every append moves bytes
  std::uint64_t dropped_ = 0;
};

}  // namespace nsgate::guest
