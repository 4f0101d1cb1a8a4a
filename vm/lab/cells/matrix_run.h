// SPDX-License-Identifier: Apache-2.0
//
// Runs every cell of a request and gathers the results.
#pragma once

#include <filesystem>

#include "lab/cells/run_request.h"
#include "lab/kernels/kernel_store.h"
#include "lab/report/results.h"
#include "lab/userlands/userland_store.h"

namespace nsgate::lab {

/// What every guest needs besides its payload.
struct GuestParts {
  std::filesystem::path init;
  std::filesystem::path profiles;  ///< profiles.toml
  UserlandStore::Options userlands{};
};

/// Fails with could_not_start, before any guest boots, when a part is missing. Once cells run,
/// whatever goes wrong is the verdict of its cell. Results are written as each cell ends.
Expected<RunResult> run_matrix(const RunRequest& request, const KernelStore::Options& store,
                               const GuestParts& parts);

}  // namespace nsgate::lab
