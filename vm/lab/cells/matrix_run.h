// SPDX-License-Identifier: Apache-2.0
//
// Runs every cell of a request and gathers the results.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "lab/cells/run_request.h"
#include "lab/kernels/kernel_store.h"
#include "lab/report/results.h"
#include "lab/userlands/userland_store.h"

namespace nsgate::lab {

/// What the lab brings with it.
struct LabFiles {
  std::filesystem::path data;  ///< the folder of kernels.toml, profiles.toml, splats.toml, policy/
  std::filesystem::path init;
  Payload tests;          ///< static: for every kernel, without a userland
  Payload dynamic_tests;  ///< the same on a userland's libc
};

/// Where kernels and userlands come from.
struct Stores {
  KernelStore::Options kernels;
  UserlandStore::Options userlands;
};

/// Looks at the cells before the first guest boots; a failure is that of the run.
using CellsCheck = std::function<Expected<void>(const CellSetup&, const std::vector<Cell>&)>;

/// A run that can begin.
struct PreparedRun {
  CellSetup setup;
  std::vector<Cell> cells;
  std::vector<std::filesystem::path>
      folders;  ///< of the cells; they exist and are empty of results
};

/// `images` has to outlive it. Fails with could_not_start when a part is missing, and as `check`
/// does.
Expected<PreparedRun> prepare_run(const RunRequest& request, const Stores& stores,
                                  const LabFiles& files, const CellsCheck& check,
                                  ImageBuilder& images);

/// For one guest after another, as the request chooses; says on stderr what it came to.
Expected<AcceleratorVerdict> accelerator_for(const RunRequest& request, const CellSetup& setup,
                                             const Cell& first);

/// Fails with could_not_start, before any guest boots, when a part is missing. Once cells run,
/// whatever goes wrong is the verdict of its cell. Results are written as each cell ends.
Expected<RunResult> run_matrix(const RunRequest& request, const Stores& stores,
                               const LabFiles& files, const CellsCheck& check = {});

}  // namespace nsgate::lab
