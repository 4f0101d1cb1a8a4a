// SPDX-License-Identifier: Apache-2.0
//
// Replaces a small text file in one step: a reader, a crash or a full disk sees the old file or
// the new one, never half of it.
#pragma once

#include <filesystem>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Fails with could_not_start, naming the file; then the old file is as it was. Thread-safe.
Expected<void> write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace nsgate::lab
