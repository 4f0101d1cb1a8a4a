// SPDX-License-Identifier: Apache-2.0
//
// One guest of a cell, from its image to the verdict on it.
#pragma once

#include <filesystem>

#include "lab/cells/cell.h"
#include "lab/verdict/guest_verdict.h"

namespace nsgate::lab {

struct GuestRun {
  GuestRecord record;
  GuestVerdict verdict;
};

/// Runs the cell's tests from `first` on. `number` counts the guests of the cell from 1 and names
/// the logs. Fails when there is no guest to judge. Thread-safe.
Expected<GuestRun> run_guest(const CellSetup& setup, const Cell& cell, Accelerator accelerator,
                             std::size_t first, std::size_t number,
                             const std::filesystem::path& folder, const CellWatcher& watcher);

}  // namespace nsgate::lab
