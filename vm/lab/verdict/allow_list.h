// SPDX-License-Identifier: Apache-2.0
//
// Splats that are known and do not count (vm/splats.toml). Each entry has a reason, a link and a
// day on which it stops to count, so that nothing is forgiven for ever:
//
//   [[allow]]
//   pattern = 'WARNING: .* at net/core/dev\.c'   # ECMAScript, searched for in the splat's title
//   reason = "fixed in 6.1.200"
//   link = "https://…"
//   expires = 2027-01-31
//   kernels = ["6.1"]                            # the release begins so, 6.12 not; left out: every
//   kernel
#pragma once

#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"
#include "lab/verdict/splat.h"

namespace nsgate::lab {

struct AllowRule {
  std::string pattern;
  std::regex regex;
  std::string reason;
  std::string link;
  std::string expires;  ///< "2027-01-31"; counts on that day for the last time
  std::vector<std::string> kernels;
};

/// Thread-safe once loaded.
class AllowList {
 public:
  AllowList() = default;
  /// Fails with could_not_start, naming the file and the line.
  static Expected<AllowList> load(const std::filesystem::path& file);

  /// Why a splat of a kernel with this release is allowed on `today` ("2026-11-23"); empty when it
  /// is not.
  std::string why_allowed(const Splat& splat, std::string_view release,
                          std::string_view today) const;

  /// The entries that count no more on `today`.
  std::vector<AllowRule> expired(std::string_view today) const;

 private:
  std::vector<AllowRule> rules_;
};

}  // namespace nsgate::lab
