// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/job_list.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const CellSpec& cell) {
  return {{"cell", name_of(cell)},
          {"kernel", cell.kernel},
          {"userland", cell.userland},
          {"profile", cell.profile},
          {"user", to_string(cell.user)},
          {"payload", cell.payload},
          {"shard", fmt::format("{}/{}", cell.shard.index, cell.shard.of)},
          {"filter", cell.filter},
          {"environment", cell.environment}};
}

/// Throws a json::exception or a std::string that says what is wrong.
CellSpec cell_of(const ordered_json& json) {
  CellSpec cell{.kernel = json.at("kernel").get<std::string>(),
                .user = frame::User::root,
                .userland = json.at("userland").get<std::string>(),
                .profile = json.at("profile").get<std::string>(),
                .payload = json.at("payload").get<std::string>(),
                .shard = {},
                .filter = json.at("filter").get<std::string>(),
                .environment = json.value("environment", std::vector<std::string>())};
  const auto word = json.at("user").get<std::string>();
  const auto user = frame::user_of(word);
  if (!user) throw "user: is neither root nor rootless nor nested: " + word;
  cell.user = *user;
  const auto shard = json.at("shard").get<std::string>();
  const auto* const end = shard.data() + shard.size();
  const auto index = std::from_chars(shard.data(), end, cell.shard.index);
  const auto of = index.ptr == end ? index : std::from_chars(index.ptr + 1, end, cell.shard.of);
  if (fmt::format("{}/{}", cell.shard.index, cell.shard.of) != shard || of.ec != std::errc{} ||
      cell.shard.index < 1 || cell.shard.index > cell.shard.of) {
    throw "shard: is none: " + shard;
  }
  if (name_of(cell) != json.at("cell").get<std::string>()) {
    throw "cell: is not the name of this cell: " + name_of(cell);
  }
  return cell;
}

}  // namespace

std::string job_list(const std::vector<CellSpec>& cells) {
  auto list = ordered_json::array();
  for (const auto& cell : cells) list.push_back(to_json(cell));
  return ordered_json{{"schema_version", 1}, {"cells", list}}.dump(2) + '\n';
}

Expected<std::vector<CellSpec>> read_job_list(const std::filesystem::path& file) {
  const std::string remedy = "; make it with nsgate matrix --json";
  std::ifstream in(file);
  if (!in) return could_not_start("cannot read the job list " + file.string() + remedy);
  std::string place = file.string();
  try {
    const auto document = ordered_json::parse(in);
    if (document.at("schema_version") != 1) throw std::string("schema_version: is not 1");
    std::vector<CellSpec> cells;
    const auto& list = document.at("cells");
    if (!list.is_array() || list.empty()) throw std::string("cells: is no list of cells");
    for (std::size_t i = 0; i < list.size(); ++i) {
      place = fmt::format("{}: cells[{}]", file.string(), i);
      cells.push_back(cell_of(list[i]));
    }
    return cells;
  } catch (const ordered_json::exception& error) {
    return could_not_start(place + ": " + error.what() + remedy);
  } catch (const std::string& error) {
    return could_not_start(place + ": " + error + remedy);
  }
}

std::vector<CellSpec> with_absolute_paths(std::vector<CellSpec> cells) {
  for (auto& cell : cells) {
    for (auto* const value : {&cell.kernel, &cell.userland, &cell.payload}) {
      if (value->contains('/')) {
        *value = std::filesystem::absolute(*value).lexically_normal().string();
      }
    }
  }
  return cells;
}

std::vector<std::string> shared_names(const std::vector<CellSpec>& cells) {
  std::vector<std::string> names;
  for (const auto& cell : cells) names.push_back(name_of(cell));
  std::ranges::sort(names);
  std::vector<std::string> shared;
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (names[i] == names[i - 1] && (shared.empty() || shared.back() != names[i])) {
      shared.push_back(names[i]);
    }
  }
  return shared;
}

}  // namespace nsgate::lab
