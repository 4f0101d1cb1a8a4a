// SPDX-License-Identifier: Apache-2.0
//
// The claims that the tests prove, as tests/behaviours.toml lists them. The program carries the
// file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/behaviours.h"

namespace nsgate::alone {

/// The text of the catalogue; each program brings its own.
std::string_view catalogue_text();

struct Behaviour {
  std::string id;
  std::string claim;
  std::string kernels;
  std::string source;
  std::vector<std::string> modes;     ///< by whom a test of it passes: root, rootless, nested
  std::vector<std::string> profiles;  ///< of the lab, where it passes under no other
  std::string left_out;               ///< why it has no test; empty for most
};

struct Catalogue {
  /// How many tests prove all this, so that one that is lost is missed.
  std::optional<std::int64_t> tests;
  std::vector<Behaviour> behaviours;
  /// Everything that is wrong with the text, a line each.
  std::vector<std::string> problems;

  const Behaviour* find(std::string_view id) const;
};

Catalogue read_catalogue(std::string_view toml);

/// Everything in which catalogue and tests disagree, a line each: a claim without a test and
/// without a reason for that, or with both; a test of a claim that is not there, or of none; more
/// tests than are counted, or less. `tests` are the names of all.
std::vector<std::string> discrepancies(const Catalogue& catalogue,
                                       const std::vector<test::Proof>& proofs,
                                       const std::vector<std::string>& tests);

/// The ids that are most like one that does not exist, the closest first.
std::vector<std::string> close_ids(const Catalogue& catalogue, std::string_view id);

}  // namespace nsgate::alone
