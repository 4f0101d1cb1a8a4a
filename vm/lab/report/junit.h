// SPDX-License-Identifier: Apache-2.0
//
// Results as JUnit XML, for continuous integration: a <testsuite> a cell. Thread-safe.
#pragma once

#include <string>

#include "lab/report/results.h"

namespace nsgate::lab {

/// FAIL is a <failure>; ERROR and MISS are an <error>; SKIP is a <skipped> with its reason. What is
/// wrong with a cell besides its tests is an <error> of a test case named after the cell.
std::string junit(const CellResult& cell);
std::string junit(const RunResult& run);

}  // namespace nsgate::lab
