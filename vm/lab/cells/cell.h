// SPDX-License-Identifier: Apache-2.0
//
// One cell: a kernel and a user, on which one payload's tests are run in one guest.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "frame/plan.h"
#include "lab/image/image.h"
#include "lab/kernels/kernel.h"
#include "lab/machine/guest_watch.h"
#include "lab/machine/qemu.h"
#include "lab/profiles/profile.h"
#include "lab/verdict/cell_verdict.h"

namespace nsgate::lab {

struct Cell {
  Kernel kernel;
  frame::User user = frame::User::root;
};

/// What all cells of one run share.
struct CellSetup {
  Qemu qemu;
  std::filesystem::path init;
  Payload payload;
  std::vector<std::string> tests;
  Profile profile;
  std::vector<std::filesystem::path> policies;  ///< the profile's files
  Deadlines deadlines;
};

/// What became of a cell.
struct CellResult {
  Cell cell;
  CellVerdict verdict;
  std::chrono::milliseconds time{0};      ///< by the host's clock, image and boot included
  std::vector<std::string> qemu_command;  ///< empty when it never got so far
};

/// "6.1-root", "vmlinuz-root": names the cell's folder. Only letters, digits and `._-`.
std::string cell_name(const std::string& kernel, frame::User user);

/// Boots the guest and judges it. Leaves console.log, frames.log and qemu.log in `folder`, which
/// exists. `progress` is told how many tests have ended, once the guest has booted. Returns when
/// the guest is gone. Thread-safe: cells may run side by side.
CellResult run_cell(const CellSetup& setup, const Cell& cell, const std::set<std::string>& unmet,
                    const std::filesystem::path& folder,
                    const std::function<void(std::size_t ended)>& progress);

}  // namespace nsgate::lab
