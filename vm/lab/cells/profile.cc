// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/profile.h"

#include <toml++/toml.h>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {

Expected<std::set<std::string>> unmet_requirements(const std::filesystem::path& file,
                                                   const std::string& profile, frame::User user) {
  toml::table profiles;
  try {
    profiles = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return could_not_start(file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
  const auto name = std::string(to_string(user));
  const auto* const ids = profiles[profile][name]["unmet"].as_array();
  if (ids == nullptr) {
    return could_not_start(file.string() + " has no list `unmet` in [" + profile + "." + name +
                           "]");
  }
  std::set<std::string> unmet;
  for (const auto& id : *ids) {
    const auto text = id.value<std::string>();
    if (!text || text->empty()) {
      return could_not_start(file.string() + ": `unmet` of [" + profile + "." + name +
                             "] holds something that is no name");
    }
    unmet.insert(*text);
  }
  return unmet;
}

}  // namespace nsgate::lab
