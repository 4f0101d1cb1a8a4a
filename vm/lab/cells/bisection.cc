// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/bisection.h"

#include <algorithm>

namespace nsgate::lab {

ExitCode code_for_bisection(const RunResult& run) {
  switch (run.code) {
    case ExitCode::pass:
    case ExitCode::fail:
    case ExitCode::interrupted:
      return run.code;
    default:
      break;
  }
  const bool failed = std::ranges::any_of(
      run.cells, [](const CellResult& cell) { return count(cell, Status::fail) > 0; });
  return failed ? ExitCode::fail : ExitCode::could_not_start;
}

ExitCode code_for_bisection(const Failure& failure) {
  return failure.code == ExitCode::interrupted ? failure.code : ExitCode::could_not_start;
}

}  // namespace nsgate::lab
