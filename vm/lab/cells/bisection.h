// SPDX-License-Identifier: Apache-2.0
//
// What `git bisect run` is to make of a run: it takes 0 for good, 1 to 124 for bad, and 125 for a
// commit that cannot be judged and is to be skipped (git-bisect(1)).
//
//   return code_for_bisection(*run);
#pragma once

#include "lab/report/results.h"

namespace nsgate::lab {

/// Good and bad are what a test said, or a kernel that broke while one ran. A guest that never
/// booted, hung, lost its frames or skipped everything said neither: could_not_start, unless a test
/// failed before. An interruption stays one, which ends the bisection.
ExitCode code_for_bisection(const RunResult& run);

/// A failure of the lab is no word about the commit either.
ExitCode code_for_bisection(const Failure& failure);

}  // namespace nsgate::lab
