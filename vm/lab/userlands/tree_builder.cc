// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/tree_builder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // path_resolution(7)

/// What the lab has in every guest; a distribution's own /init must not be in its way.
constexpr std::array ours{"init", "newroot", "nsgate", "payload"};

bool lies_in(const std::string& name, std::string_view folder) {
  return name.starts_with(folder) && (name.size() == folder.size() || name[folder.size()] == '/');
}

std::string parent_of(const std::string& name) { return fs::path(name).parent_path().string(); }

}  // namespace

std::optional<std::string> follow_links(const CpioContents& contents, const std::string& path,
                                        bool last) {
  std::deque<std::string> rest;
  for (const auto& part : fs::path(path).relative_path()) rest.push_back(part.string());
  std::string done;
  for (int links = 0; !rest.empty();) {
    const auto part = rest.front();
    rest.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      done = parent_of(done);
      continue;
    }
    const auto name = done.empty() ? part : done + '/' + part;
    const auto link = contents.symlinks.find(name);
    if (link == contents.symlinks.end() || (rest.empty() && !last)) {
      done = name;
      continue;
    }
    if (++links > most_links) return std::nullopt;
    const fs::path target(link->second);
    if (target.is_absolute()) done.clear();
    auto before = rest.begin();
    for (const auto& word : target.relative_path()) {
      before = std::next(rest.insert(before, word.string()));
    }
  }
  return done;
}

std::optional<std::string> TreeBuilder::place(const std::string& name) const {
  const fs::path path(name);
  if (std::ranges::find(path, "..") != path.end()) return std::nullopt;
  const auto place = follow_links(contents_, name, false);
  if (!place) return std::nullopt;
  const auto is_under = [&](std::string_view folder) { return lies_in(*place, folder); };
  if (std::ranges::any_of(ours, is_under) || std::ranges::any_of(excluded_, is_under)) return "";
  return place;
}

/// Also makes the directories above, as tar(1) does.
void TreeBuilder::clear(const std::string& place) {
  for (auto above = parent_of(place); !above.empty(); above = parent_of(above)) {
    contents_.files.erase(above);
    contents_.hard_links.erase(above);
    contents_.directories.try_emplace(above, 0755);
  }
  contents_.hard_links.erase(place);
  contents_.symlinks.erase(place);
  const auto file = contents_.files.find(place);
  if (file == contents_.files.end()) return;
  // Another name of it lives on.
  const auto heir = std::ranges::find(contents_.hard_links, place,
                                      &std::pair<const std::string, std::string>::second);
  if (heir != contents_.hard_links.end()) {
    const auto name = heir->first;
    contents_.hard_links.erase(heir);
    for (auto& [other, target] : contents_.hard_links) {
      if (target == place) target = name;
    }
    contents_.files.insert_or_assign(name, std::move(file->second));
  }
  contents_.files.erase(place);
}

void TreeBuilder::directory(const std::string& place, mode_t mode) {
  clear(place);
  contents_.directories.insert_or_assign(place, mode);
}

void TreeBuilder::file(const std::string& place, mode_t mode, std::string content) {
  clear(place);
  contents_.directories.erase(place);
  bytes_ += content.size();
  contents_.files.insert_or_assign(place,
                                   CpioContents::File{.mode = mode, .content = std::move(content)});
}

void TreeBuilder::symlink(const std::string& place, const std::string& target) {
  // A link in the place of a directory that has files: tar(1) keeps the directory.
  if (contents_.directories.contains(place)) return;
  clear(place);
  contents_.symlinks.insert_or_assign(place, target);
}

bool TreeBuilder::hard_link(const std::string& place, const std::string& target) {
  const auto link = contents_.symlinks.find(target);
  if (link != contents_.symlinks.end()) {
    symlink(place, std::string(link->second));
    return true;
  }
  const auto known = contents_.hard_links.find(target);
  const std::string file = known != contents_.hard_links.end() ? known->second : target;
  if (!contents_.files.contains(file)) return false;
  if (place == file) return true;
  clear(place);
  contents_.hard_links.insert_or_assign(place, file);
  return true;
}

}  // namespace nsgate::lab
