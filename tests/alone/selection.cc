// SPDX-License-Identifier: Apache-2.0
#include "alone/selection.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>

namespace nsgate::alone {
namespace {

/// GoogleTest's own rule for suites and for tests ("DISABLED_*:*/DISABLED_*").
bool is_disabled(std::string_view name) {
  return name.starts_with("DISABLED_") || name.find("/DISABLED_") != name.npos;
}

bool matches_any(const std::string& patterns, const std::string& test) {
  std::istringstream all(patterns);
  for (std::string pattern; std::getline(all, pattern, ':');) {
    if (::fnmatch(pattern.c_str(), test.c_str(), FNM_NOESCAPE) == 0) return true;
  }
  return false;
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

}  // namespace

std::vector<std::string> all_tests() {
  std::vector<std::string> all;
  const auto& unit = *testing::UnitTest::GetInstance();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const auto& suite = *unit.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& test = *suite.GetTestInfo(t);
      if (is_disabled(test.test_suite_name()) || is_disabled(test.name())) continue;
      all.push_back(std::string(test.test_suite_name()) + '.' + test.name());
    }
  }
  return all;
}

bool matches(const std::string& filter, const std::string& test) {
  const auto dash = filter.find('-');
  const auto positive = filter.substr(0, dash);
  const auto negative = dash == filter.npos ? "" : filter.substr(dash + 1);
  return matches_any(positive.empty() ? "*" : positive, test) && !matches_any(negative, test);
}

std::expected<std::vector<std::string>, std::string> known_ids(const std::vector<std::string>& ids,
                                                               const Catalogue& catalogue) {
  std::vector<std::string> known;
  for (auto id : ids) {
    std::ranges::transform(id, id.begin(), [](unsigned char c) { return std::toupper(c); });
    if (catalogue.find(id) == nullptr) {
      const auto close = close_ids(catalogue, id);
      return std::unexpected("there is no behaviour " + id +
                             (close.empty() ? "; --list-behaviours lists all"
                                            : "; did you mean " + joined(close) + "?"));
    }
    if (std::ranges::find(known, id) == known.end()) known.push_back(id);
  }
  return known;
}

std::expected<std::vector<std::string>, std::string> select_tests(
    const Options& options, const Catalogue& catalogue, const std::vector<test::Proof>& proofs) {
  const auto ids = known_ids(options.behaviours, catalogue);
  if (!ids) return std::unexpected(ids.error());
  const auto tests_of = [&proofs](const std::string& id) {
    std::vector<std::string> tests;
    for (const auto& proof : proofs) {
      if (std::ranges::find(proof.ids, id) != proof.ids.end()) tests.push_back(proof.test);
    }
    return tests;
  };
  std::vector<std::string> wanted;
  for (const auto& id : *ids) {
    const auto tests = tests_of(id);
    if (tests.empty()) {
      return std::unexpected(id + " has no test: " + catalogue.find(id)->left_out);
    }
    wanted.insert(wanted.end(), tests.begin(), tests.end());
  }
  std::vector<std::string> selected;
  for (const auto& test : all_tests()) {
    if (!matches(options.filter, test)) continue;
    if (ids->empty() || std::ranges::find(wanted, test) != wanted.end()) selected.push_back(test);
  }
  if (selected.empty()) {
    return std::unexpected("no test" + std::string(ids->empty() ? "" : " of " + joined(*ids)) +
                           " matches the filter \"" + options.filter + "\"");
  }
  return selected;
}

std::expected<std::vector<std::string>, std::string> required_ids(const Options& options,
                                                                  const Catalogue& catalogue) {
  constexpr std::array modes{"root", "rootless", "nested"};
  std::vector<std::string> ids;
  for (const auto& word : options.required) {
    if (std::ranges::find(modes, word) == modes.end()) {
      ids.push_back(word);
      continue;
    }
    for (const auto& behaviour : catalogue.behaviours) {
      const bool by_this_user = std::ranges::find(behaviour.modes, word) != behaviour.modes.end();
      if (by_this_user && behaviour.profiles.empty() && behaviour.left_out.empty()) {
        ids.push_back(behaviour.id);
      }
    }
  }
  return known_ids(ids, catalogue);
}

}  // namespace nsgate::alone
