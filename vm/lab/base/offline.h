// SPDX-License-Identifier: Apache-2.0
//
// NSGATE_OFFLINE: whoever set it means every command.
#pragma once

#include <cstdlib>
#include <string_view>

namespace nsgate::lab {

/// Set, and neither empty nor "0".
inline bool offline_by_environment() {
  const char* const value = std::getenv("NSGATE_OFFLINE");
  return value != nullptr && std::string_view(value) != "" && std::string_view(value) != "0";
}

}  // namespace nsgate::lab
