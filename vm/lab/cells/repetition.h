// SPDX-License-Identifier: Apache-2.0
//
// The same run again and again, to see how often it fails, or until it does.
//
//   auto tally = repeat({.times = 100, .until_fail = true}, [](std::size_t number) { … });
//   say(summary(*tally));   // "7 runs: 6 passed, the 7th did not (fail)"
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct Repetition {
  std::size_t times = 1;  ///< 0: without end
  bool until_fail = false;
};

/// The exit codes, in order.
using Tally = std::vector<ExitCode>;

/// Calls run(1), run(2), … . Ends early at the first that is no pass, where that is asked for, at
/// an interruption in any case, and at a run that could not be made, whose failure is the answer.
Expected<Tally> repeat(const Repetition& repetition,
                       const std::function<Expected<ExitCode>(std::size_t number)>& run);

/// One line for a person, which names the runs that were no pass.
std::string summary(const Tally& tally);

}  // namespace nsgate::lab
