// SPDX-License-Identifier: Apache-2.0
//
// Several results as one, without losing a cell or counting one twice.
//
//   auto merged = merge({*run, *other}, {.strict = false, .expected = cells});
//   for (const auto& note : merged->notes) spdlog::warn(note);
//
// Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cells/cell_spec.h"
#include "lab/report/results.h"

namespace nsgate::lab {

struct MergeOptions {
  bool strict = false;               ///< what would be a note is a Failure
  std::vector<CellSpec> expected{};  ///< the cells that were asked for; none: those that there are
};

struct MergedResults {
  RunResult run;                   ///< its folder is empty
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// Of two results of one cell (the same name, kernel image, payload and tests) the later counts; of
/// two at the same second, the graver. Cells that share only the name all count. Each expected
/// cell without a result counts as MISS (missing_cell). The verdict is the gravest of the cells',
/// and of runs that are worse than their cells.
Expected<MergedResults> merge(const std::vector<RunResult>& runs, const MergeOptions& options);

/// A cell that was asked for and left no result: no pass, whatever else there is. It has one test
/// "*", which is MISS for `reason`.
CellResult missing_cell(const CellSpec& spec, const std::string& reason,
                        ExitCode code = ExitCode::no_results);
bool is_missing(const CellResult& cell);

}  // namespace nsgate::lab
