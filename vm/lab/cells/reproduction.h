// SPDX-License-Identifier: Apache-2.0
//
// A cell that was run before, by its manifest.json: the request for the same once more, and what is
// no longer the same.
//
//   auto then = read_manifest(folder);
//   auto request = request_of(*then, files);
//   run_matrix(*request, stores, files, [&](const auto& setup, const auto& cells) {
//     return differences(*then, manifest_of(…)).empty() ? … });
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/cells/matrix_run.h"

namespace nsgate::lab {

/// Of a cell's result folder. Fails with could_not_start where it is none or from another version.
Expected<nlohmann::ordered_json> read_manifest(const std::filesystem::path& folder);

/// Kernel, userland, profile, user, payload, tests, deadlines and accelerator; the output is the
/// caller's choice. Fails with could_not_start, naming what the manifest lacks.
Expected<RunRequest> request_of(const nlohmann::ordered_json& manifest, const LabFiles& files);

/// One line for each part whose hash, or whose text, is another now: "kernel image /…: was …, is
/// …".
std::vector<std::string> differences(const nlohmann::ordered_json& then,
                                     const nlohmann::ordered_json& now);

}  // namespace nsgate::lab
