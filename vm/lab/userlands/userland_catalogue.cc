// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/userland_catalogue.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "lab/base/could_not_start.h"
#include "lab/base/toml_words.h"

namespace nsgate::lab {
namespace {

std::unexpected<Failure> broken(const std::filesystem::path& file, const toml::source_region& where,
                                std::string_view why) {
  return could_not_start(file.string() + ":" + std::to_string(where.begin.line) + ": " +
                         std::string(why));
}

/// Names of packages and suites become arguments of apt, which would take others for patterns.
bool is_plain(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
  return !name.empty() && name.front() != '-' && name.front() != '.' &&
         name.find_first_not_of(allowed) == name.npos;
}

bool is_inside(const std::string& path) {
  const std::filesystem::path parts(path);
  return parts.is_relative() && std::ranges::find(parts, "..") == parts.end();
}

/// The answer is what is wrong; empty when the recipe is whole.
std::string read_recipe(const toml::table& table, UserlandRecipe& recipe) {
  constexpr std::array known{"name", "suite", "security_suite", "packages", "unmet"};
  for (const auto& [key, value] : table) {
    if (std::ranges::find(known, key.str()) == known.end()) {
      return "a userland has no \"" + std::string(key.str()) + "\"";
    }
  }
  const auto text = [&](std::string_view key) { return table[key].value_or(std::string()); };
  recipe.name = text("name");
  recipe.suite = text("suite");
  recipe.security_suite = text("security_suite");
  const auto packages = toml_words(table.get("packages"));
  const auto unmet = toml_words(table.get("unmet"));
  // The name becomes part of file names, and a slash tells a path from a name on the command line.
  if (!is_plain(recipe.name)) return "a userland needs a name of small letters, digits, + . and -";
  if (!packages || !unmet) return "packages and unmet are lists of names";
  recipe.packages = *packages;
  recipe.unmet = *unmet;
  for (const auto& suite : {recipe.suite, recipe.security_suite}) {
    if (!suite.empty() && !is_plain(suite)) return "\"" + suite + "\" is no suite's name";
  }
  for (const auto& package : recipe.packages) {
    if (!is_plain(package)) return "\"" + package + "\" is no package's name";
  }
  if (recipe.suite.empty() != recipe.packages.empty()) {
    return "a userland needs a suite and packages, or neither";
  }
  if (recipe.suite.empty() && !recipe.security_suite.empty()) {
    return "a security_suite goes with a suite";
  }
  return {};
}

}  // namespace

Expected<std::vector<UserlandRecipe>> load_userland_catalogue(const std::filesystem::path& file) {
  toml::table document;
  try {
    document = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return broken(file, error.source(), error.description());
  }
  const auto excluded = toml_words(document.get("exclude"));
  if (!excluded || !std::ranges::all_of(*excluded, is_inside)) {
    return broken(file, document.get("exclude")->source(),
                  "exclude is a list of paths without a leading slash and without ..");
  }
  const auto* entries = document["userland"].as_array();
  if (entries == nullptr || entries->empty()) {
    return could_not_start(file.string() + " has no [[userland]]");
  }
  std::vector<UserlandRecipe> catalogue;
  for (const auto& entry : *entries) {
    const auto* table = entry.as_table();
    if (table == nullptr) return broken(file, entry.source(), "a userland is a table");
    UserlandRecipe recipe;
    auto why = read_recipe(*table, recipe);
    if (std::ranges::find(catalogue, recipe.name, &UserlandRecipe::name) != catalogue.end()) {
      why = "a second userland of the name " + recipe.name;
    }
    if (!why.empty()) return broken(file, entry.source(), why);
    if (!recipe.suite.empty()) recipe.excluded = *excluded;
    catalogue.push_back(std::move(recipe));
  }
  return catalogue;
}

}  // namespace nsgate::lab
