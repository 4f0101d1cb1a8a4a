// SPDX-License-Identifier: Apache-2.0
//
// Recognises a Linux kernel image for x86, by the setup header of its boot protocol
// (Documentation/arch/x86/boot.rst).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct BzImage {
  std::string release;  ///< as uname -r will say; empty when the header carries no version
};

/// Fails with could_not_start, saying in what way the file is none: missing, no regular file, no
/// setup header, or shorter than its own header says. Thread-safe.
Expected<BzImage> read_bzimage(const std::filesystem::path& file);

/// The part of an image that is the compressed vmlinux; empty when the header tells of none (boot
/// protocol before 2.08) or of one beyond the end. Thread-safe.
/// protocol before 2.08) or of one beyond the end. Thread-safe.
std::string_view compressed_kernel(std::string_view image);

}  // namespace nsgate::lab
