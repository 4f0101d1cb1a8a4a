// SPDX-License-Identifier: Apache-2.0
//
// Decompresses what kernels and their modules are compressed with: gzip, bzip2, xz, lzma, zstd,
// lz4.
//
//   decompress_file("dummy.ko.xz", "dummy.ko");
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// What is not compressed is copied. The output is synced to disk; on failure, a full disk
/// included, none is left behind. Fails with could_not_start, naming the file. Thread-safe.
Expected<void> decompress_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// What could be decompressed before the first error, cut after `limit` bytes; what is not
/// compressed comes out as it is. Thread-safe.
std::string decompress_beginning(std::string_view bytes, std::size_t limit);

}  // namespace nsgate::lab
