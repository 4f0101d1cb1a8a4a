// SPDX-License-Identifier: Apache-2.0
//
// The .config that a kernel built with CONFIG_IKCONFIG carries within itself, as the kernel's
// scripts/extract-ikconfig finds it (kernel/configs.c: gzip between IKCFG_ST and IKCFG_ED).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// The text, or nothing when the image (a bzImage or a vmlinux) holds none, or is compressed in a
/// way that is not understood. Fails with could_not_start when the file cannot be read.
/// Thread-safe.
Expected<std::optional<std::string>> config_in_image(const std::filesystem::path& image);

}  // namespace nsgate::lab
