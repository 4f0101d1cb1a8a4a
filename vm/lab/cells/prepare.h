// SPDX-License-Identifier: Apache-2.0
//
// Turns what a user named into cells that can be booted: kernels are fetched, userlands built,
// profiles and tests looked up.
#pragma once

#include <vector>

#include "lab/cells/cell.h"
#include "lab/cells/matrix_run.h"

namespace nsgate::lab {

/// One cell for each of the request, in that order. Fails with could_not_start, naming everything
/// that is missing. A cell that its kernel cannot be is none that fails: it is unavailable.
Expected<std::vector<Cell>> prepare_cells(const RunRequest& request, const Stores& stores,
                                          const LabFiles& files);

/// What the cells would test, each test once. Needs neither kernels nor userlands.
Expected<std::vector<std::string>> tests_of_request(const RunRequest& request,
                                                    const LabFiles& files);

}  // namespace nsgate::lab
