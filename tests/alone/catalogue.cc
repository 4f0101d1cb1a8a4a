// SPDX-License-Identifier: Apache-2.0
#include "alone/catalogue.h"

// Debian has the library as a shared one, which a static program cannot use.
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace nsgate::alone {
namespace {

constexpr std::array keys{"id", "claim", "kernels", "source", "modes", "profiles", "left_out"};
constexpr std::array modes{"root", "rootless", "nested"};

/// Reads one [[behaviour]]; what is wrong is noted with its line.
class Reader {
 public:
  Reader(const toml::table& table, std::vector<std::string>& problems)
      : table_(table), problems_(problems) {
    for (const auto& [key, value] : table) {
      if (std::ranges::find(keys, key.str()) == keys.end()) {
        note("`" + std::string(key.str()) + "` is no key of a behaviour", value);
      }
    }
  }

  std::string text(const char* key, bool required) {
    const auto* const node = table_.get(key);
    const auto text = node == nullptr ? std::nullopt : node->value_exact<std::string>();
    const bool one_line = text && !text->empty() && text->find('\n') == text->npos;
    if (node == nullptr ? required : !one_line) {
      note(std::string("`") + key + "` is one line of text", node == nullptr ? table_ : *node);
    }
    return text.value_or("");
  }

  std::vector<std::string> words(const char* key) {
    const auto* const node = table_.get(key);
    if (node == nullptr) return {};
    std::vector<std::string> found;
    const auto* const list = node->as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      found.push_back(list->at(i).value_exact<std::string>().value_or(""));
    }
    if (list == nullptr || found.empty() || std::ranges::find(found, "") != found.end()) {
      note(std::string("`") + key + "` is a list of words", *node);
    }
    return found;
  }

  void note(const std::string& what, const toml::node& where) {
    problems_.push_back("line " + std::to_string(where.source().begin.line) + ": " + what);
  }

 private:
  const toml::table& table_;
  std::vector<std::string>& problems_;
};

Behaviour read_behaviour(const toml::table& table, std::vector<std::string>& problems) {
  Reader reader(table, problems);
  Behaviour behaviour{.id = reader.text("id", true),
                      .claim = reader.text("claim", true),
                      .kernels = reader.text("kernels", true),
                      .source = reader.text("source", true),
                      .modes = reader.words("modes"),
                      .profiles = reader.words("profiles"),
                      .left_out = reader.text("left_out", false)};
  for (const auto& mode : behaviour.modes) {
    if (std::ranges::find(modes, mode) == modes.end()) {
      reader.note("`" + mode + "` is no mode", table);
    }
  }
  if (behaviour.modes.empty() && behaviour.left_out.empty()) {
    reader.note(behaviour.id + " needs `modes`", table);
  }
  return behaviour;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

const Behaviour* Catalogue::find(std::string_view id) const {
  const auto found = std::ranges::find(behaviours, id, &Behaviour::id);
  return found == behaviours.end() ? nullptr : &*found;
}

Catalogue read_catalogue(std::string_view text) {
  Catalogue catalogue;
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    catalogue.problems.push_back("line " + std::to_string(error.source().begin.line) + ": " +
                                 std::string(error.description()));
    return catalogue;
  }
  for (const auto& [key, value] : root) {
    if (key.str() == "tests") {
      catalogue.tests = value.value_exact<std::int64_t>();
      if (!catalogue.tests) catalogue.problems.emplace_back("`tests` is a number");
    } else if (key.str() != "behaviour") {
      catalogue.problems.push_back("`" + std::string(key.str()) + "` is no [[behaviour]]");
    }
  }
  const auto* const list = root["behaviour"].as_array();
  std::set<std::string> seen;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* const table = list->at(i).as_table();
    if (table == nullptr) {
      catalogue.problems.emplace_back("a behaviour is a table: [[behaviour]]");
      continue;
    }
    auto behaviour = read_behaviour(*table, catalogue.problems);
    if (!seen.insert(behaviour.id).second) {
      catalogue.problems.push_back(behaviour.id + " is there twice");
    }
    catalogue.behaviours.push_back(std::move(behaviour));
  }
  if (catalogue.behaviours.empty()) catalogue.problems.emplace_back("there is no behaviour");
  return catalogue;
}

std::vector<std::string> discrepancies(const Catalogue& catalogue,
                                       const std::vector<test::Proof>& proofs,
                                       const std::vector<std::string>& tests) {
  std::vector<std::string> all;
  std::map<std::string, std::string> proven_by;  // the first of each id
  std::set<std::string> idle(tests.begin(), tests.end());
  for (const auto& proof : proofs) {
    if (proof.test.empty()) {
      all.push_back(proof.place + ": this BEHAVIOUR stands in no test");
      continue;
    }
    idle.erase(proof.test);
    for (const auto& id : proof.ids) {
      proven_by.emplace(id, proof.test);
      if (catalogue.find(id) == nullptr) {
        all.push_back(proof.place + ": " + proof.test + " proves " + id +
                      ", which is not in the catalogue");
      }
    }
  }
  for (const auto& test : idle) all.push_back(test + " proves nothing: it has no BEHAVIOUR");
  for (const auto& behaviour : catalogue.behaviours) {
    const auto test = proven_by.find(behaviour.id);
    if (test == proven_by.end() && behaviour.left_out.empty()) {
      all.push_back(behaviour.id + " has no test, and no reason for that: " + behaviour.claim);
    }
    if (test != proven_by.end() && !behaviour.left_out.empty()) {
      all.push_back(behaviour.id + " is left out, and yet " + test->second + " proves it");
    }
  }
  if (catalogue.tests && *catalogue.tests != static_cast<std::int64_t>(tests.size())) {
    all.push_back("there are " + std::to_string(tests.size()) + " tests, and `tests` says " +
                  std::to_string(*catalogue.tests) + ": is one lost?");
  }
  return all;
}

std::vector<std::string> close_ids(const Catalogue& catalogue, std::string_view id) {
  std::vector<std::pair<std::size_t, std::string>> all;
  for (const auto& behaviour : catalogue.behaviours) {
    all.emplace_back(distance(id, behaviour.id), behaviour.id);
  }
  std::ranges::stable_sort(all, {}, [](const auto& one) { return one.first; });
  constexpr std::size_t most = 5;
  std::vector<std::string> close;
  for (const auto& [far, candidate] : all) {
    if (far > 2 || close.size() == most) break;
    close.push_back(candidate);
  }
  return close;
}

}  // namespace nsgate::alone
