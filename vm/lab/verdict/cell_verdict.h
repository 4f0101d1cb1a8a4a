// SPDX-License-Identifier: Apache-2.0
//
// The verdict on a cell: what the frames, the kernel's log, the lab's own deadlines and the end of
// QEMU say, taken together. A failure that any of them saw is never outweighed by another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/machine/frame_reader.h"
#include "lab/verdict/splat.h"
#include "lab/verdict/verdict.h"

namespace nsgate::lab {

struct CellVerdict {
  ExitCode code = ExitCode::no_results;
  std::vector<std::string> reasons;  ///< what was wrong with the cell, besides its tests
  std::vector<TestResult> tests;     ///< every test that was asked for, in that order
};

/// All that is known once a guest has ended.
struct CellEvidence {
  const std::vector<std::string>& tests;  ///< asked for
  const FrameReader& reader;
  const KernelLog& kernel;
  std::optional<Failure> ended_by_lab;    ///< why the lab ended the guest, such as a deadline
  std::optional<std::string> qemu_fault;  ///< how QEMU failed, when it did
};

CellVerdict judge_cell(const CellEvidence& evidence, const Judgement& judgement);

/// The verdict on a cell of which not one test could run.
CellVerdict nothing_ran(const std::vector<std::string>& tests, const Failure& failure);

/// The one code for several verdicts. A failure outweighs a deadline, that the faults of the lab,
/// and only passes make a pass.
ExitCode gravest(const std::vector<ExitCode>& codes);

/// "pass", "fail", "infrastructure" …
std::string_view to_string(ExitCode code);

}  // namespace nsgate::lab
