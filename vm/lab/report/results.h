// SPDX-License-Identifier: Apache-2.0
//
// The results of a run, and the documents that carry them (schema_version 1): results.json of the
// run holds its cells, results.json of a cell's folder holds that one cell.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/cells/cell.h"

namespace nsgate::lab {

struct RunResult {
  ExitCode code = ExitCode::no_results;  ///< the gravest of the cells'
  std::string started;                   ///< "2026-11-23T13:36:59Z"
  std::chrono::milliseconds time{0};
  std::filesystem::path folder;
  std::vector<CellResult> cells;
};

std::size_t count(const CellResult& cell, Status status);

nlohmann::ordered_json to_json(const CellResult& cell);
nlohmann::ordered_json to_json(const RunResult& run);

/// The text of a document. A guest's bytes that are no UTF-8 are replaced, never lost by an error.
std::string dump(const nlohmann::ordered_json& document);

}  // namespace nsgate::lab
