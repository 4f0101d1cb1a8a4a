// SPDX-License-Identifier: Apache-2.0
//
// A console for a person in the guest of a cell: the same kernel, userland, modules and profile as
// for tests, and a shell in their place.
//
//   auto shell = shell_of(cell);                          // "/bin/sh"
//   auto code = run_shell_session(setup, cell, *shell, Accelerator::tcg, folder);
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lab/cells/cell.h"
#include "lab/machine/frame_reader.h"

namespace nsgate::lab {

/// What the plan has to name. A userland has its /bin/sh; without one the busybox of this machine,
/// looked up in PATH, is added to what the cell's payload carries. Fails with could_not_start.
Expected<std::string> shell_of(Cell& cell);

/// What became of the guest, by what QEMU, the frames and the console tell. A person who ends QEMU
/// or restarts the guest from within, once the shell is there, ends it well.
Expected<void> judge_session(int wait_status, FrameReader& frames, std::string_view console);

/// Connects the guest's console with stdin and stdout until the shell ends. Leaves console.log,
/// frames.log and qemu.log in `folder`, which exists. The terminal has its mode back on return.
Expected<void> run_shell_session(const CellSetup& setup, const Cell& cell, const std::string& shell,
                                 Accelerator accelerator, const std::filesystem::path& folder);

}  // namespace nsgate::lab
