// SPDX-License-Identifier: Apache-2.0
//
// The present as text.
#pragma once

#include <array>
#include <ctime>
#include <string>

namespace nsgate::lab {

/// By a format of strftime(3) that makes at most 31 characters. Thread-safe.
inline std::string utc_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &utc)};
}

}  // namespace nsgate::lab
