// SPDX-License-Identifier: Apache-2.0
//
// The verdict on a cell, from those on its guests: usually one; more when a test spoilt one and the
// rest went on in a fresh one.
//
//   CellVerdict verdict = judge_cell(tests, {{.first = 0, .verdict = …}, {.first = 7, …}});
//
// Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"
#include "lab/verdict/guest_verdict.h"
#include "lab/verdict/splat.h"
#include "lab/verdict/test_result.h"

namespace nsgate::lab {

struct CellVerdict {
  ExitCode code = ExitCode::no_results;
  std::vector<std::string> reasons;  ///< what was wrong with the cell, besides its tests
  std::vector<TestResult> tests;     ///< every test that was asked for, in that order
  std::vector<Splat> splats;
  std::size_t guests = 0;  ///< that were booted
};

/// A guest that ran the tests of the cell from `first` on.
struct JudgedGuest {
  std::size_t first = 0;
  GuestVerdict verdict;
};

/// Each test's result is that of the last guest which was asked for it: an earlier one never came
/// so far. `stopped` says why no further guest was booted although tests were left.
CellVerdict judge_cell(const std::vector<std::string>& tests,
                       const std::vector<JudgedGuest>& guests,
                       const std::optional<Failure>& stopped = {});

/// The verdict on a cell of which not one test could run.
CellVerdict nothing_ran(const std::vector<std::string>& tests, const Failure& failure);

/// The verdict on a cell that is not booted because its kernel, by its configuration, cannot be
/// what the cell asks for.
CellVerdict all_skipped(const std::vector<std::string>& tests, const std::string& reason);

/// The one code for several verdicts. An interruption outweighs a failure, that a deadline, that
/// the faults of the lab; it is a pass when one is and nothing is worse than skipped.
ExitCode gravest(const std::vector<ExitCode>& codes);

/// Whether the end of a guest may be the accelerator's fault instead of the kernel's. Where the
/// kernel complained the verdict stands: another run might hide it.
bool may_be_the_accelerator(const CellVerdict& cell);

/// "pass", "fail", "infrastructure" …
std::string_view to_string(ExitCode code);

}  // namespace nsgate::lab
