// SPDX-License-Identifier: Apache-2.0
//
// The options by which several commands let a user choose cells.
//
//   CellSelection selection;
//   add_cell_options(*command, selection);
//   auto cells = selected_cells(selection, data);   // the folder of the TOML files
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cells/cell_spec.h"

namespace nsgate::lab {

struct CellSelection {
  std::vector<std::string> kernels;
  std::vector<std::string> users;
  std::vector<std::string> userlands;
  std::vector<std::string> profiles;
  std::string payload;
  std::string shard;
  std::string tier;
  std::vector<std::string> environment;
};

/// `selection` has to outlive the app's parse().
void add_cell_options(CLI::App& command, CellSelection& selection);

/// Every combination of what was chosen; of what was not, the default (kernels: those that
/// kernels.toml marks; users: both). With a tier its cells, of which the other options choose.
/// Fails with could_not_start.
Expected<std::vector<CellSpec>> selected_cells(const CellSelection& selection,
                                               const std::filesystem::path& data);

}  // namespace nsgate::lab
