// SPDX-License-Identifier: Apache-2.0
//
// What a guest's console says about the health of its kernel: a warning, an oops, a report of a
// sanitizer (a splat), or a panic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nsgate::lab {

struct KernelLog {
  std::string panic;                ///< "Kernel panic - not syncing: …"; empty when there is none
  std::vector<std::string> splats;  ///< the line that names each, in order, each text once
  bool to_the_end = false;          ///< it holds the restart with which every guest ends
  /// Why init gave up, when it says so; otherwise the last line. Empty for an empty console.
  std::string last_words;
};

/// Reads a console log with or without time stamps.
KernelLog read_kernel_log(std::string_view console);

}  // namespace nsgate::lab
