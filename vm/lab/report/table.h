// SPDX-License-Identifier: Apache-2.0
//
// The results of a run for a person: one row a cell, then the reason of everything that is no pass.
#pragma once

#include <string>

#include "lab/report/results.h"

namespace nsgate::lab {

/// With `colour`, the verdicts carry escape sequences for a terminal. What came from a guest is
/// made plain: it brings none of its own.
std::string table(const RunResult& run, bool colour);

/// "14.2 s"
std::string to_text(std::chrono::milliseconds time);

}  // namespace nsgate::lab
