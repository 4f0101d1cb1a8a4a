// SPDX-License-Identifier: Apache-2.0
//
// The command line of the standalone program.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace nsgate::alone {

struct Options {
  bool list = false;
  bool check = false;
  std::vector<std::string> behaviours;  ///< empty: of all
  std::string filter = "*";
  std::chrono::seconds deadline{60};
  std::vector<std::string> required;  ///< ids and modes
  bool forbid_skips = false;
  bool ktap = false;
  bool verbose = false;
  std::optional<std::string> json;   ///< a file, "-" for stdout
  std::optional<std::string> junit;  ///< likewise
};

/// Whether one of the arguments is GoogleTest's own.
bool is_for_googletest(int argc, char** argv);

/// Where there is nothing to do (--help) or the arguments are unusable, which has been said, the
/// code to exit with.
std::expected<Options, int> read_options(int argc, char** argv);

}  // namespace nsgate::alone
