// SPDX-License-Identifier: Apache-2.0
//
// Cells as a job array of Slurm: a script for sbatch(1), one task for each cell. Thread-safe.
// Source: sbatch(1) of Slurm 22.05, "--array", "--dependency", OUTPUT ENVIRONMENT VARIABLES.
#pragma once

#include <string>
#include <vector>

#include "lab/cells/cell_spec.h"

namespace nsgate::lab {

/// A task runs its cell into nsgate-JOB/INDEX and exits as `nsgate run` does. Run with the words
/// "report FOLDER", the same script merges what is there and knows what is missing.
std::string slurm_script(const std::vector<CellSpec>& cells);

}  // namespace nsgate::lab
