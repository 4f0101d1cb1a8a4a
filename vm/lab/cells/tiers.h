// SPDX-License-Identifier: Apache-2.0
//
// The tiers of vm/tiers.toml: which cells to run at each change, each night, before a release.
//
//   auto tiers = load_tiers("vm/tiers.toml");
//   auto cells = cells_of(*tiers, "pr");
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cells/cell_spec.h"

namespace nsgate::lab {

/// One [[part]]: lists of values, of which either every combination is a cell or a pairwise cover.
struct TierPart {
  std::string tier;
  bool pairwise = false;
  std::vector<std::string> kernels;
  std::vector<frame::User> users;
  std::vector<std::string> userlands;
  std::vector<std::string> profiles;
  std::vector<std::string> payloads;
  std::string filter;
  std::vector<std::string> environment;
  std::size_t shards = 1;
};

/// Fails with could_not_start, naming the file and the line. Thread-safe.
Expected<std::vector<TierPart>> load_tiers(const std::filesystem::path& file);

/// The cells of a part, in the order of its lists.
std::vector<CellSpec> cells_of(const TierPart& part);

/// Of all parts of a tier; a cell that two parts hold is kept once. Fails with could_not_start, and
/// names the tiers that there are, for one that there is not.
Expected<std::vector<CellSpec>> cells_of(const std::vector<TierPart>& parts,
                                         const std::string& tier);

}  // namespace nsgate::lab
