// SPDX-License-Identifier: Apache-2.0
//
// The cells that were asked for, as a file that any machine can read: what `nsgate matrix --json`
// prints. By it a report knows what is missing.
//
//   auto cells = read_job_list("cells.json");
//
// Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cells/cell_spec.h"

namespace nsgate::lab {

/// The text of the file.
std::string job_list(const std::vector<CellSpec>& cells);

/// Fails with could_not_start, naming the file and the place in it.
Expected<std::vector<CellSpec>> read_job_list(const std::filesystem::path& file);

/// The same cells with the user's own paths absolute, so that a job means the same in any folder.
std::vector<CellSpec> with_absolute_paths(std::vector<CellSpec> cells);

/// Names that more than one cell has, once each: they would share a folder.
std::vector<std::string> shared_names(const std::vector<CellSpec>& cells);

}  // namespace nsgate::lab
