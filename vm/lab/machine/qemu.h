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

enum class Accelerator { tcg, kvm };
std::string_view to_string(Accelerator accelerator);

/// What a guest is made of.
struct Machine {
  std::filesystem::path kernel;
  std::filesystem::path initrd;
  std::filesystem::path console;  ///< where QEMU writes what the kernel says
  Accelerator accelerator = Accelerator::tcg;
  unsigned memory_mib = 512;
  std::string kernel_arguments{};  ///< besides those of the lab, such as "lockdown=integrity"
};

/// The program of $QEMU, or qemu-system-x86_64. Fails with could_not_start, naming the package.
Expected<Qemu> find_qemu();

/// The frames of the guest arrive on QEMU's stdout.
std::vector<std::string> qemu_command(const Qemu& qemu, const Machine& machine);

}  // namespace nsgate::lab
