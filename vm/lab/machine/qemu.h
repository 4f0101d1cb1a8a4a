// SPDX-License-Identifier: Apache-2.0
//
// How a guest is started: the one place that knows QEMU's command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
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
  /// Where QEMU waits for a debugger, on this machine's loopback, before the first instruction.
  std::optional<std::uint16_t> gdb_port{};
  /// For a person: the console is QEMU's stdin and stdout, with QEMU's monitor behind Ctrl-A c, and
  /// the frames go into this file instead.
  std::filesystem::path frames{};
};

/// The program of $QEMU, or qemu-system-x86_64. Fails with could_not_start, naming the package.
Expected<Qemu> find_qemu();

/// The frames of the guest arrive on QEMU's stdout, unless a file is given for them.
std::vector<std::string> qemu_command(const Qemu& qemu, const Machine& machine);

}  // namespace nsgate::lab
