// SPDX-License-Identifier: Apache-2.0
#include "support/behaviours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string_view>

namespace nsgate::test {
namespace {

struct Note {
  const char* ids;
  Place (*place)();
};

/// Made when the first note arrives, which may be before anything of this file is initialized.
std::vector<Note>& notes() {
  static std::vector<Note> all;
  return all;
}

/// "Suite" of "Prefix/Suite/0": what the source says, without what instances and types add.
std::string_view written_suite(std::string_view suite, bool typed) {
  if (typed) return suite.substr(0, suite.rfind('/'));
  return suite.substr(suite.rfind('/') + 1);
}

std::string_view written_name(std::string_view name) { return name.substr(0, name.find('/')); }

/// Whether the body of that test is what the compiler calls `function`, as the macros of GoogleTest
/// and rapidcheck make it.
bool is_body(std::string_view function, const testing::TestInfo& test) {
  std::string suite(written_suite(test.test_suite_name(), test.type_param() != nullptr));
  const std::string name(written_name(test.name()));
  const auto called = [&function](const std::string& text) {
    const auto begin = function.find(text);
    if (begin == function.npos || begin + text.size() >= function.size()) return false;
    const auto is_part_of_a_name = [](char c) {
      return c == '_' || ('0' <= c && c <= '9') || ('A' <= c && c <= 'Z') || ('a' <= c && c <= 'z');
    };
    return !is_part_of_a_name(function[begin + text.size()]) &&
           (begin == 0 || !is_part_of_a_name(function[begin - 1]));
  };
  constexpr std::string_view fixture_suffix = "_RapidCheck";
  if (suite.ends_with(fixture_suffix)) {
    suite.resize(suite.size() - fixture_suffix.size());
    return called("RapidCheckPropImpl_" + suite + '_' + name);
  }
  return called(suite + '_' + name + "_Test") ||
         called("rapidCheck_propImpl_" + suite + '_' + name) ||
         // TYPED_TEST_P has a namespace for the suite and a class for the test.
         (test.type_param() != nullptr && called(name));
}

/// A type or a value with which a test is instantiated brings its note again.
void add(const Note& note, Proof& proof) {
  const auto place = note.place();
  if (proof.place.empty()) proof.place = std::string(place.file) + ':' + std::to_string(place.line);
  std::istringstream ids(note.ids);
  for (std::string id; ids >> id;) {
    if (std::ranges::find(proof.ids, id) == proof.ids.end()) proof.ids.push_back(id);
  }
}

}  // namespace

std::vector<Proof> proofs() {
  std::vector<Proof> all;
  std::vector<bool> in_a_test(notes().size());
  const auto& unit = *testing::UnitTest::GetInstance();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const auto& suite = *unit.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& test = *suite.GetTestInfo(t);
      Proof proof{
          .test = std::string(test.test_suite_name()) + '.' + test.name(), .ids = {}, .place = {}};
      for (std::size_t i = 0; i < notes().size(); ++i) {
        const auto place = notes()[i].place();
        if (std::string_view(place.file) != test.file() || !is_body(place.function, test)) continue;
        in_a_test[i] = true;
        add(notes()[i], proof);
      }
      if (!proof.ids.empty()) all.push_back(std::move(proof));
    }
  }
  for (std::size_t i = 0; i < notes().size(); ++i) {
    if (!in_a_test[i]) add(notes()[i], all.emplace_back());
  }
  return all;
}

namespace detail {

bool note_proof(const char* ids, Place (*place)()) {
  notes().push_back({.ids = ids, .place = place});
  return true;
}

void record_behaviours(const char* ids) { testing::Test::RecordProperty("behaviour", ids); }

}  // namespace detail
}  // namespace nsgate::test
