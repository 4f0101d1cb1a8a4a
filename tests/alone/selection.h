// SPDX-License-Identifier: Apache-2.0
//
// Which tests of this program are to run.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "alone/catalogue.h"
#include "alone/options.h"

namespace nsgate::alone {

/// "Suite.Name" of every test that is not disabled, in the program's order.
std::vector<std::string> all_tests();

/// As GoogleTest's own --gtest_filter.
bool matches(const std::string& filter, const std::string& test);

/// `ids` in capitals, each of the catalogue; the error says which is not, and what is like it.
std::expected<std::vector<std::string>, std::string> known_ids(const std::vector<std::string>& ids,
                                                               const Catalogue& catalogue);

/// The tests that the options ask for; the error says why there is none.
std::expected<std::vector<std::string>, std::string> select_tests(
    const Options& options, const Catalogue& catalogue, const std::vector<test::Proof>& proofs);

/// The ids that the options require: a mode stands for every claim that is proven by such a user
/// under no particular policy.
std::expected<std::vector<std::string>, std::string> required_ids(const Options& options,
                                                                  const Catalogue& catalogue);

}  // namespace nsgate::alone
