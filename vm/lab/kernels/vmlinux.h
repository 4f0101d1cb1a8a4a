// SPDX-License-Identifier: Apache-2.0
//
// Recognises an uncompressed kernel (ELF) that QEMU can boot: one with the note that names its PVH
// entry point (xen/include/public/elfnote.h: XEN_ELFNOTE_PHYS32_ENTRY, which CONFIG_PVH adds).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct Vmlinux {
  std::string release;  ///< as uname -r will say; empty when the image carries no banner
};

/// Whether the file begins as ELF does.
bool is_elf(std::string_view bytes);

/// Fails with could_not_start, naming the file and the remedy: no ELF for x86-64, cut, or without
/// the note. Thread-safe.
Expected<Vmlinux> read_vmlinux(const std::filesystem::path& file);

}  // namespace nsgate::lab
