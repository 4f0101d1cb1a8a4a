// SPDX-License-Identifier: Apache-2.0
//
// Reads a results.json back: that of a run's folder, or that of a cell's folder, which answers a
// run of that one cell. What is read can be rendered like what was run.
//
//   auto run = read_results("results/6.1-root/results.json");
//
// The file may come from a machine that is broken: whatever schema version 1 does not say, and what
// contradicts itself (a pass with a test that failed), is a Failure of code infrastructure that
// names the file and the place in it, "results.json: cells[3].tests[1].status: …". Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lab/report/results.h"

namespace nsgate::lab {

/// `folder` of a single cell's answer is that of the file.
Expected<RunResult> read_results(const std::filesystem::path& file);

/// The same for text; `name` stands for the file in messages.
Expected<RunResult> parse_results(std::string_view text, const std::string& name);

}  // namespace nsgate::lab
