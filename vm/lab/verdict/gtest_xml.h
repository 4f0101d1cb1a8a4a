// SPDX-License-Identifier: Apache-2.0
//
// The report that GoogleTest (1.12 or newer) writes about one test.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nsgate::lab {

struct GtestReport {
  bool completed = false;               ///< GoogleTest says that the test ran to its end
  std::vector<std::string> failures;    ///< of the test and of what surrounds it
  std::optional<std::string> skipped;   ///< the message of GTEST_SKIP, its location included
  std::vector<std::string> behaviours;  ///< RecordProperty("behaviour", "TR13 TR14")
};

/// Reads a report that must hold exactly the one test `name` ("Suite.Name"), and whose own counts
/// agree with what it holds. The error says what is wrong, for a person.
std::expected<GtestReport, std::string> parse_gtest_xml(std::string_view xml,
                                                        std::string_view name);

}  // namespace nsgate::lab
