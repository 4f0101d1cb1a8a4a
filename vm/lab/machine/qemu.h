// SPDX-License-Identifier: Apache-2.0
//
// How a guest is started: the one place that knows QEMU's command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// A QEMU that runs.
struct Qemu {
  std::string binary;
  std::string version;  ///< "QEMU emulator version 7.2.22 (Debian …)"
};

inline constexpr const char* accelerator = "tcg";

/// The program of $QEMU, or qemu-system-x86_64. Fails with could_not_start, naming the package.
Expected<Qemu> find_qemu();

/// The frames of the guest arrive on QEMU's stdout, its console in `console`.
std::vector<std::string> qemu_command(const Qemu& qemu, const std::filesystem::path& kernel,
                                      const std::filesystem::path& initrd,
                                      const std::filesystem::path& console);

}  // namespace nsgate::lab
