// SPDX-License-Identifier: Apache-2.0
//
// What becomes of an operation when one of its system calls fails.
#pragma once

#include <span>
#include <vector>

#include "support/syscall_faults.h"

namespace nsgate::test {

struct Outcome {
  enum class Kind {
    told,      ///< an error of `stage`, with the errno of the call or with `code`
    harmless,  ///< nothing comes of it: `why`
    unknown,   ///< the program did run, and its end is not known
  };
  Kind kind;
  Stage stage = Stage::open;
  int code = 0;  ///< 0: the errno of the call
  const char* why = "";
};

/// The call fails with each of these errnos (or, by another kind, returns these values).
struct FaultRow {
  const char* call;
  std::vector<int> values;
  Outcome outcome;
  Fault::Kind kind = Fault::Kind::error;
  int nth = any;  ///< which of the calls of this name

  static constexpr int any = -2;  ///< each of them in turn
  static constexpr int all = -1;  ///< all of them in one run
};

/// Every system call that core makes. A call without values here cannot fail, and why is said.
std::span<const FaultRow> fault_table();

}  // namespace nsgate::test
