// SPDX-License-Identifier: Apache-2.0
//
// One cell: all that decides what is tested on what. It is run in one guest, or in several when a
// test spoils one and the rest has to go on in a fresh one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/cells/cell_spec.h"
#include "lab/image/image.h"
#include "lab/kernels/kernel.h"
#include "lab/machine/guest_watch.h"
#include "lab/machine/qemu.h"
#include "lab/profiles/profile.h"
#include "lab/userlands/userland.h"
#include "lab/verdict/allow_list.h"
#include "lab/verdict/cell_verdict.h"

namespace nsgate::lab {

struct Cell {
  CellSpec spec;
  Kernel kernel;
  Userland userland;
  Profile profile;
  std::vector<std::filesystem::path> policies;  ///< the profile's files
  Payload payload;
  std::vector<std::string> tests;
  /// Why the cell need not be booted, such as an option that its kernel was built without; empty
  /// for one that is.
  std::string unavailable;
};

/// What all cells of one run share.
struct CellSetup {
  Qemu qemu;
  std::filesystem::path init;
  Deadlines deadlines;
  AllowList allow;
  std::string today;       ///< "2026-11-23"
  std::size_t guests = 6;  ///< at most, for one cell
  ImageBuilder* images = nullptr;
  std::optional<std::uint16_t> gdb_port{};  ///< where QEMU waits for a debugger
};

/// One boot of a cell.
struct GuestRecord {
  std::vector<std::string> qemu_command;
  std::string nonce;  ///< of its frames: whoever reads the log later can check them
  std::size_t first_test = 0;
  std::uint64_t slow = 0;  ///< in thousandths; 0: it never said
  std::string retired;
};

/// What became of a cell.
struct CellResult {
  Cell cell;
  CellVerdict verdict;
  std::string started{};              ///< "2026-11-23T13:36:59Z"
  std::chrono::milliseconds time{0};  ///< by the host's clock, images and boots included
  Accelerator accelerator = Accelerator::tcg;
  std::string accelerator_reason{};
  std::vector<GuestRecord> guests;
};

/// Told how a cell gets on. Called from the thread that runs the cell.
struct CellWatcher {
  std::function<void()> booting = [] {};  ///< before each guest
  std::function<void()> booted = [] {};   ///< it has said hello, or ended without
  std::function<void(std::size_t ended)> ended = [](std::size_t) {};  ///< tests so far
};

/// Boots the guests and judges them. Leaves console.log, frames.log and qemu.log in `folder`, which
/// exists; those of further guests are console-2.log and so on. Returns when the last guest is
/// gone. Thread-safe: cells may run side by side.
CellResult run_cell(const CellSetup& setup, const Cell& cell, Accelerator accelerator,
                    const std::filesystem::path& folder, const CellWatcher& watcher);

}  // namespace nsgate::lab
