// SPDX-License-Identifier: Apache-2.0
//
// What a person has to type to debug the kernel of a guest that waits for gdb.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "lab/kernels/kernel.h"

namespace nsgate::lab {

/// The vmlinux with the kernel's symbols: in its build tree, beside its image, or where Debian's
/// packages of debug symbols put it below `debug`. Empty when it is in none of them.
std::filesystem::path vmlinux_of(const Kernel& kernel,
                                 const std::filesystem::path& debug = "/usr/lib/debug");

/// One line: the command of gdb, and how to come by symbols where there are none.
std::string gdb_hint(const Kernel& kernel, std::uint16_t port,
                     const std::filesystem::path& debug = "/usr/lib/debug");

}  // namespace nsgate::lab
