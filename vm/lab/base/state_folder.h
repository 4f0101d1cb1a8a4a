// SPDX-License-Identifier: Apache-2.0
//
// Where the lab keeps what it learned and what came out: ${XDG_STATE_HOME:-~/.local/state}/nsgate
// (XDG Base Directory Specification 0.8: a relative path in the variable is ignored).
#pragma once

#include <cstdlib>
#include <filesystem>

namespace nsgate::lab {

/// It need not exist.
inline std::filesystem::path state_folder() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::filesystem::path(value != nullptr ? value : "");
  };
  auto state = variable("XDG_STATE_HOME");
  if (!state.is_absolute()) state = variable("HOME") / ".local" / "state";
  return state / "nsgate";
}

}  // namespace nsgate::lab
