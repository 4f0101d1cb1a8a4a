// SPDX-License-Identifier: Apache-2.0
//
// What a guest's console says about the health of its kernel: warnings, oopses, reports of
// sanitizers (splats), or a panic, each with the test during which it came.
//
//   const auto log = read_kernel_log(console);
//   for (const auto& splat : log.splats) std::cout << splat.test << ": " << splat.title << '\n';
//
// Tests are told apart by the marks that init writes into the kernel's log (frame/splat_start.h).
// Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nsgate::lab {

struct Splat {
  std::string title;  ///< the line that names it, without stamps
  /// The same for the same fault at another time: the title without numbers and addresses, then the
  /// first functions of the call trace, "WARNING: at net/core/dev.c foo | bar < baz".
  std::string fingerprint;
  std::string test;       ///< empty: before the first test
  bool late = false;      ///< it came after that test had ended, before the next began
  std::string text;       ///< the report, cut at 4 KiB
  std::string allowed{};  ///< why it does not count (verdict/allow_list.h); empty: it counts
};

struct KernelLog {
  std::string panic;          ///< "Kernel panic - not syncing: …"; empty when there is none
  std::vector<Splat> splats;  ///< in order; the same title during the same test once
  bool to_the_end = false;    ///< it holds the restart with which every guest ends, or init's
                              ///< last words
  /// Why init gave up, when it says so; otherwise the last line. Empty for an empty console.
  std::string last_words;
};

/// Reads a console log with or without time stamps.
KernelLog read_kernel_log(std::string_view console);

}  // namespace nsgate::lab
