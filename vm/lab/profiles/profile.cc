// SPDX-License-Identifier: Apache-2.0
#include "lab/profiles/profile.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

using Words = std::vector<std::string>;

constexpr std::array keys{"name",     "description", "kernel_arguments",
                          "settings", "config",      "files",
                          "filter",   "meets",       "unmet"};

/// Reads one [[profile]]; the first thing that is wrong is kept, with its line.
class ProfileReader {
 public:
  explicit ProfileReader(const toml::table& table) : table_(table) {
    for (const auto& [key, value] : table) {
      if (std::ranges::find(keys, key.str()) == keys.end()) {
        fail("`" + std::string(key.str()) + "` is no key of a profile", value);
      }
    }
  }

  std::string text(const char* key) { return read_text(key).value_or(""); }

  /// Of a key that every profile has.
  std::string required_text(const char* key) {
    const auto text = read_text(key);
    if (!text || text->empty()) fail(std::string("a profile needs `") + key + "`", table_);
    return text.value_or("");
  }

  Words words(const char* key) { return read_words(key, table_.get(key)); }

  /// `unmet`, which every profile has for each user: an empty list is a promise.
  std::map<frame::User, std::set<std::string>> unmet() {
    std::map<frame::User, std::set<std::string>> unmet_by_user;
    for (const auto user : frame::users) {
      const auto name = std::string(to_string(user));
      const auto* const node = table_["unmet"][name].node();
      if (node == nullptr) fail("a profile needs `unmet` with a list for " + name, table_);
      const auto ids = read_words("unmet", node);
      unmet_by_user[user] = {ids.begin(), ids.end()};
    }
    return unmet_by_user;
  }

  std::vector<frame::Setting> settings() {
    std::vector<frame::Setting> settings;
    for (const auto& word : words("settings")) {
      const auto blank = word.find(' ');
      if (blank == 0 || blank == word.npos || blank + 1 == word.size()) {
        fail("a setting is a kind, a blank and a value, not \"" + word + "\"",
             *table_.get("settings"));
        return {};
      }
      settings.push_back({.kind = word.substr(0, blank), .value = word.substr(blank + 1)});
    }
    return settings;
  }

  void fail(const std::string& what, const toml::node& where) {
    if (!error_) error_ = {what, where.source().begin.line};
  }

  struct Wrong {
    std::string what;
    toml::source_index line;
  };
  const std::optional<Wrong>& error() const { return error_; }

 private:
  std::optional<std::string> read_text(const char* key) {
    const auto* const node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    const auto text = node->value_exact<std::string>();
    // Both end up in a text of lines.
    if (!text || text->find('\n') != text->npos) {
      fail(std::string("`") + key + "` is one line of text", *node);
    }
    return text;
  }

  Words read_words(const char* key, const toml::node* node) {
    if (node == nullptr) return {};
    Words found;
    const auto* const list = node->as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto word = list->at(i).value_exact<std::string>();
      if (!word || word->empty() || word->find('\n') != word->npos) break;
      found.push_back(*word);
    }
    if (list == nullptr || found.size() != list->size()) {
      fail(std::string("`") + key + "` is a list of texts of one line", *node);
    }
    return found;
  }

  const toml::table& table_;
  std::optional<Wrong> error_;
};

std::string at_line(const std::filesystem::path& file, toml::source_index line,
                    std::string_view what) {
  return file.string() + ":" + std::to_string(line) + ": " + std::string(what);
}

bool names_a_folder(std::string_view name) {
  return std::ranges::all_of(name,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
}

struct Listed {
  Profile profile;
  Words meets;
};

Listed read_profile(ProfileReader& reader, const toml::table& table) {
  Listed listed{.profile = {.name = reader.required_text("name"),
                            .description = reader.required_text("description"),
                            .kernel_arguments = reader.text("kernel_arguments"),
                            .settings = reader.settings(),
                            .config = reader.words("config"),
                            .files = reader.words("files"),
                            .filter = reader.text("filter"),
                            .unmet_by_user = reader.unmet()},
                .meets = reader.words("meets")};
  if (listed.profile.filter.empty()) listed.profile.filter = "*";
  if (!names_a_folder(listed.profile.name)) {
    reader.fail("the name of a profile has letters, digits and `-`", *table.get("name"));
  }
  for (const auto& file : listed.profile.files) {
    if (file.find('/') != file.npos) {
      reader.fail("`files` names files of vm/policy, without a path", *table.get("files"));
    }
  }
  return listed;
}

/// A policy that one profile meets is unmet in each of the others.
std::vector<Profile> with_policies_of_others(std::vector<Listed> all) {
  std::set<std::string> policies;
  for (const auto& [profile, meets] : all) policies.insert(meets.begin(), meets.end());
  std::vector<Profile> profiles;
  for (auto& [profile, meets] : all) {
    for (auto& [user, unmet] : profile.unmet_by_user) {
      for (const auto& policy : policies) {
        if (std::ranges::find(meets, policy) == meets.end()) unmet.insert(policy);
      }
    }
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

}  // namespace

Expected<std::vector<Profile>> load_profiles(const std::filesystem::path& file) {
  toml::table document;
  try {
    document = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return could_not_start(at_line(file, error.source().begin.line, error.description()));
  }
  const auto* const tables = document["profile"].as_array();
  if (document.size() != 1 || tables == nullptr || tables->empty()) {
    return could_not_start(file.string() + " is a list of [[profile]] and nothing else");
  }
  std::vector<Listed> all;
  std::set<std::string> names;
  for (const auto& node : *tables) {
    const auto* const table = node.as_table();
    if (table == nullptr) {
      return could_not_start(at_line(file, node.source().begin.line, "a profile is a table"));
    }
    ProfileReader reader(*table);
    all.push_back(read_profile(reader, *table));
    if (const auto& name = all.back().profile.name; !names.insert(name).second) {
      reader.fail("there are two profiles " + name, *table);
    }
    if (const auto& wrong = reader.error()) {
      return could_not_start(at_line(file, wrong->line, wrong->what));
    }
  }
  return with_policies_of_others(std::move(all));
}

Expected<Profile> find_profile(const std::vector<Profile>& profiles, std::string_view name) {
  const auto found = std::ranges::find(profiles, name, &Profile::name);
  if (found != profiles.end()) return *found;
  std::string known;
  for (const auto& profile : profiles) known += (known.empty() ? "" : ", ") + profile.name;
  return could_not_start("no profile is called " + std::string(name) + "; there are " + known);
}

}  // namespace nsgate::lab
