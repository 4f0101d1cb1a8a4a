// SPDX-License-Identifier: Apache-2.0
//
// Results as KTAP version 1 (Documentation/dev-tools/ktap.rst), for the tools of kernel developers:
// one test of the outer level a cell, its tests nested in it. Thread-safe.
#pragma once

#include <string>

#include "lab/report/results.h"

namespace nsgate::lab {

/// A document of its own for one cell, or for all of a run. A test that is MISS or ERROR is "not
/// ok" with the directive ERROR; one that ran out of time has TIMEOUT.
std::string ktap(const CellResult& cell);
std::string ktap(const RunResult& run);

}  // namespace nsgate::lab
