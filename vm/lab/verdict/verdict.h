// SPDX-License-Identifier: Apache-2.0
//
// The verdict on one test: how its process ended and what its report says must agree on a pass.
// Either alone is worth nothing: a test can exit with 0 before it has tested anything.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>

#include "lab/machine/frame_body.h"
#include "lab/verdict/splat.h"
#include "lab/verdict/test_result.h"

namespace nsgate::lab {

/// What a test is judged by, besides what it did.
struct Judgement {
  /// The requirements that this cell does not meet, by id ("root"): the only reasons to skip.
  std::set<std::string> unmet;
  /// Outside the lab nobody knows which requirements are met: "needs <id>: …" is a reason, whatever
  /// the id.
  bool any_need = false;
  std::chrono::milliseconds test_deadline{0};
  /// Why a splat does not count; empty when it does. Nothing: every one counts.
  std::function<std::string(const Splat&)> allow{};
};

/// Never answers MISS or ERROR: the test was run, and what it did is its own.
TestResult judge_test(const TestEnd& end, const Judgement& judgement);

}  // namespace nsgate::lab
