// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/cell_spec.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

/// A path is told by its last part.
std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

std::string name_of(const CellSpec& spec) {
  std::string name = spec.kernel + '-' + std::string(to_string(spec.user));
  if (spec.profile != default_profile) name += '-' + spec.profile;
  if (spec.userland != default_userland) name += '-' + last_part(spec.userland);
  if (spec.payload != default_payload) name += '-' + last_part(spec.payload);
  if (spec.shard.of > 1) {
    name += '-' + std::to_string(spec.shard.index) + "of" + std::to_string(spec.shard.of);
  }
  std::ranges::replace_if(
      name,
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-'; },
      '_');
  return name;
}

std::vector<std::string> selectors_of(const CellSpec& spec) {
  std::vector<std::string> words{"--kernel", spec.kernel, "--user",
                                 std::string(to_string(spec.user))};
  const auto add = [&words](const char* option, const std::string& value,
                            const std::string& usual) {
    if (value != usual) words.insert(words.end(), {option, value});
  };
  add("--userland", spec.userland, default_userland);
  add("--profile", spec.profile, default_profile);
  add("--payload", spec.payload, default_payload);
  if (spec.shard.of > 1) {
    add("--shard", std::to_string(spec.shard.index) + '/' + std::to_string(spec.shard.of), "");
  }
  add("--filter", spec.filter, "");
  for (const auto& variable : spec.environment) add("--env", variable, "");
  return words;
}

Expected<void> check_variable(const std::string& variable) {
  const auto name = variable.substr(0, variable.find('='));
  const auto belongs = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (name.size() < variable.size() && !name.empty() && std::ranges::all_of(name, belongs) &&
      variable.find_first_of(std::string_view("\n\0", 2)) == std::string::npos) {
    return {};
  }
  return could_not_start("\"" + variable + "\" is no NAME=value");
}

std::vector<std::string> shard_of(const std::vector<std::string>& tests, Shard shard) {
  std::vector<std::string> mine;
  for (std::size_t i = shard.index - 1; i < tests.size(); i += shard.of) mine.push_back(tests[i]);
  return mine;
}

}  // namespace nsgate::lab
