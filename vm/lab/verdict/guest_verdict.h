// SPDX-License-Identifier: Apache-2.0
//
// The verdict on one guest: what the frames, the kernel's log, the lab's own deadlines and the end
// of QEMU say, taken together. A failure that any of them saw is never outweighed by another.
// Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/machine/frame_reader.h"
#include "lab/verdict/splat.h"
#include "lab/verdict/verdict.h"

namespace nsgate::lab {

/// All that is known once a guest has ended.
struct GuestEvidence {
  const std::vector<std::string>& tests;  ///< asked for
  const FrameReader& reader;
  const KernelLog& kernel;
  std::optional<Failure> ended_by_lab;    ///< why the lab ended the guest, such as a deadline
  std::optional<std::string> qemu_fault;  ///< how QEMU failed, when it did
};

struct GuestVerdict {
  std::vector<ExitCode> faults;      ///< besides the tests'
  std::vector<std::string> reasons;  ///< of the faults
  std::vector<TestResult> tests;     ///< every test that was asked for, in that order
  std::vector<Splat> splats;         ///< of the console, and those that only /dev/kmsg told
  /// Where in `tests` another guest should go on: behind the test that spoilt this one. Nothing
  /// when the guest came to its end, or when no other guest would come further.
  std::optional<std::size_t> resume_at;
  bool unavailable = false;  ///< it said that it cannot be what the cell asks for
};

GuestVerdict judge_guest(const GuestEvidence& evidence, const Judgement& judgement);

}  // namespace nsgate::lab
