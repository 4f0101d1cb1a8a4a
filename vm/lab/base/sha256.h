// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of a file, by coreutils' sha256sum: every machine that can build this has it, and a
// library would be one more package to install for four hashes a run.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// In lower-case hex. Fails with could_not_start when the file cannot be read. Thread-safe.
Expected<std::string> sha256_of(const std::filesystem::path& file);

/// 64 lower-case hex digits.
bool is_sha256(std::string_view text);

}  // namespace nsgate::lab
