// SPDX-License-Identifier: Apache-2.0
//
// The files that a cell leaves beside its logs: manifest.json says exactly what was run, repro.sh
// runs it again; results.json, results.ktap and junit.xml say what came of it.
#pragma once

#include <filesystem>
#include <string>

#include "lab/cells/cell.h"
#include "lab/cells/run_request.h"
#include "lab/report/results.h"

namespace nsgate::lab {

/// Makes the folder and takes old results out of it, so that a run which is killed leaves none.
Expected<void> prepare_folder(const std::filesystem::path& folder);

/// What manifest.json says: all that decides what the cell is. `nsgate repro` reads it.
nlohmann::ordered_json manifest_of(const CellResult& result, const CellSetup& setup,
                                   const RunRequest& request);

/// Fails with infrastructure when a file cannot be written: a verdict that nobody can look up
/// later is none.
Expected<void> write_cell(const std::filesystem::path& folder, const CellResult& result,
                          const CellSetup& setup, const RunRequest& request);

/// The results of all cells together, in the run's own folder. Fails with infrastructure.
Expected<void> write_run(const RunResult& run);

}  // namespace nsgate::lab
