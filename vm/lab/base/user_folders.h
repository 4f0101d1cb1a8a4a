// SPDX-License-Identifier: Apache-2.0
//
// The folders of the XDG Base Directory Specification that nsgate uses. Thread-safe as long as
// nobody calls setenv(3).
#pragma once

#include <filesystem>

namespace nsgate::lab {

/// ${XDG_CACHE_HOME:-~/.cache}/nsgate: kernels, userlands; may be deleted at any time.
std::filesystem::path cache_folder();

/// ${XDG_STATE_HOME:-~/.local/state}/nsgate: results, durations, the accelerator's verdict.
std::filesystem::path state_folder();

}  // namespace nsgate::lab
