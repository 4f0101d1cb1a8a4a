// SPDX-License-Identifier: Apache-2.0
//
// What `nsgate run` would start, without starting it: the first guest of each cell, with its image
// left where the command line says, so that the line can be run by hand.
//
//   auto lines = dry_run(request, stores, files);
#pragma once

#include <string>
#include <vector>

#include "lab/cells/matrix_run.h"

namespace nsgate::lab {

/// One line for a shell for each cell, or a comment for one that would not be booted. QEMU writes
/// the frames on stdout and the console into the cell's folder. Which accelerator it would be is
/// found out as for a run. Fails with could_not_start. Not thread-safe.
Expected<std::vector<std::string>> dry_run(const RunRequest& request, const Stores& stores,
                                           const LabFiles& files, const CellsCheck& check = {});

}  // namespace nsgate::lab
