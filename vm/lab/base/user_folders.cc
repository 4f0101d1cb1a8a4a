// SPDX-License-Identifier: Apache-2.0
#include "lab/base/user_folders.h"

#include <cstdlib>

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// The variable's folder when it is an absolute path, as the specification demands; otherwise
/// `usual` in the home.
fs::path folder(const char* variable, const char* usual) {
  const char* const chosen = std::getenv(variable);
  if (chosen != nullptr && fs::path(chosen).is_absolute()) return fs::path(chosen) / "nsgate";
  const char* const home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/tmp") / usual / "nsgate";
}

}  // namespace

fs::path cache_folder() { return folder("XDG_CACHE_HOME", ".cache"); }
fs::path state_folder() { return folder("XDG_STATE_HOME", ".local/state"); }

}  // namespace nsgate::lab
