// SPDX-License-Identifier: Apache-2.0
//
// What the lab returns when it cannot do its job, and the exit codes that it promises.
#pragma once

#include <expected>
#include <string>

namespace nsgate::lab {

/// Exit codes of `nsgate`. A script may rely on them: `git bisect run nsgate run --kernel …` reads
/// 0 as good, 1 to 124 as bad and 125 as "skip this commit".
enum class ExitCode : int {
  pass = 0,               ///< at least one test passed and none failed
  fail = 1,               ///< a test failed, or the kernel broke while a test ran
  infrastructure = 2,     ///< the guest or its frames broke: no verdict about the kernel
  no_results = 3,         ///< the guest ended well and reported not one test
  all_skipped = 4,        ///< every test was skipped, for reasons that the cell predicts
  deadline = 124,         ///< the guest hung, or the time allowed for it ran out
  could_not_start = 125,  ///< nothing was tested: missing kernel, missing QEMU, unusable arguments
  interrupted = 130,      ///< by Ctrl-C or a kill; what was there is kept. Ends a bisection
};

/// Why the lab stopped: the code to exit with and one line for a person, which names the thing and
/// the remedy.
struct Failure {
  ExitCode code;
  std::string message;
};

template <typename T>
using Expected = std::expected<T, Failure>;

}  // namespace nsgate::lab
