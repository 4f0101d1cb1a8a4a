// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/tiers.h"

#include <spdlog/fmt/fmt.h>
#include <toml++/toml.h>

#include <algorithm>

#include "lab/base/could_not_start.h"
#include "lab/cells/pairwise.h"

namespace nsgate::lab {
namespace {

/// Reads one [[part]]; the first thing that is wrong is kept, with its line.
class PartReader {
 public:
  PartReader(std::string file, const toml::table& table) : file_(std::move(file)), table_(table) {
    for (const auto& [key, value] : table) left_.emplace_back(key.str());
  }

  std::string text(const char* key, const std::string& usual) {
    const auto* const node = take(key);
    if (node == nullptr) return usual;
    const auto value = node->value<std::string>();
    if (!value || value->empty()) complain(*node, fmt::format("`{}` is no text", key));
    return value.value_or("");
  }

  std::vector<std::string> list(const char* key, std::vector<std::string> usual) {
    const auto* const node = take(key);
    if (node == nullptr) return usual;
    std::vector<std::string> values;
    if (const auto* const array = node->as_array()) {
      for (const auto& entry : *array) {
        const auto value = entry.value<std::string>();
        if (!value || value->empty()) {
          complain(entry, fmt::format("`{}` holds something that is no name", key));
          return {};
        }
        values.push_back(*value);
      }
    }
    if (values.empty()) complain(*node, fmt::format("`{}` is no list of names", key));
    return values;
  }

  std::size_t count(const char* key) {
    const auto* const node = take(key);
    if (node == nullptr) return 1;
    const auto value = node->value<std::int64_t>();
    if (value && *value >= 1 && *value <= 1000) return static_cast<std::size_t>(*value);
    complain(*node, fmt::format("`{}` is no count from 1 to 1000", key));
    return 1;
  }

  void complain(const toml::node& node, const std::string& what) {
    if (error_.empty()) {
      error_ = file_ + ":" + std::to_string(node.source().begin.line) + ": " + what;
    }
  }
  void complain(const std::string& what) { complain(table_, what); }

  Expected<TierPart> finish(TierPart part) {
    if (!left_.empty()) {
      complain(*table_.get(left_.front()), fmt::format("`{}` is unknown", left_.front()));
    }
    if (!error_.empty()) return could_not_start(error_);
    return part;
  }

 private:
  const toml::node* take(const char* key) {
    std::erase(left_, key);
    return table_.get(key);
  }

  std::string file_;
  const toml::table& table_;
  std::vector<std::string> left_;
  std::string error_;
};

Expected<TierPart> read_part(const std::string& file, const toml::table& table) {
  PartReader reader(file, table);
  TierPart part;
  part.tier = reader.text("tier", "");
  if (part.tier.empty()) reader.complain("`tier` is missing");
  const auto cover = reader.text("cover", "product");
  if (cover != "product" && cover != "pairwise") {
    reader.complain("`cover` is neither \"product\" nor \"pairwise\"");
  }
  part.pairwise = cover == "pairwise";
  part.kernels = reader.list("kernels", {});
  if (part.kernels.empty()) reader.complain("`kernels` is missing");
  for (const auto& user : reader.list("users", {"root", "rootless"})) {
    const auto known = frame::user_of(user);
    if (!known) {
      reader.complain(
          fmt::format("`users` holds {}, which is neither root nor rootless nor nested", user));
    }
    part.users.push_back(known.value_or(frame::User::root));
  }
  part.userlands = reader.list("userlands", {default_userland});
  part.profiles = reader.list("profiles", {default_profile});
  part.payloads = reader.list("payloads", {default_payload});
  part.filter = reader.text("filter", "");
  part.environment = reader.list("environment", {});
  for (const auto& variable : part.environment) {
    if (const auto good = check_variable(variable); !good) reader.complain(good.error().message);
  }
  part.shards = reader.count("shards");
  return reader.finish(std::move(part));
}

/// Every combination, the last factor the fastest.
std::vector<std::vector<std::size_t>> product(const std::vector<std::size_t>& sizes) {
  std::vector<std::vector<std::size_t>> rows{{}};
  for (const auto size : sizes) {
    std::vector<std::vector<std::size_t>> longer;
    for (const auto& row : rows) {
      for (std::size_t value = 0; value < size; ++value) {
        longer.push_back(row);
        longer.back().push_back(value);
      }
    }
    rows = std::move(longer);
  }
  return rows;
}

}  // namespace

Expected<std::vector<TierPart>> load_tiers(const std::filesystem::path& file) {
  toml::table document;
  try {
    document = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return could_not_start(file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
  std::vector<TierPart> parts;
  const auto* const list = document["part"].as_array();
  if (list == nullptr || document.size() != 1) {
    return could_not_start(file.string() + ": holds something else than [[part]]");
  }
  for (const auto& node : *list) {
    const auto* const table = node.as_table();
    if (table == nullptr) return could_not_start(file.string() + ": `part` is no [[part]]");
    auto part = read_part(file.string(), *table);
    if (!part) return std::unexpected(part.error());
    parts.push_back(std::move(*part));
  }
  return parts;
}

std::vector<CellSpec> cells_of(const TierPart& part) {
  const std::vector<std::size_t> sizes{part.kernels.size(), part.profiles.size(),
                                       part.userlands.size(), part.users.size(),
                                       part.payloads.size()};
  std::vector<CellSpec> cells;
  for (const auto& row : part.pairwise ? pairwise(sizes) : product(sizes)) {
    for (std::size_t shard = 1; shard <= part.shards; ++shard) {
      cells.push_back({.kernel = part.kernels[row[0]],
                       .user = part.users[row[3]],
                       .userland = part.userlands[row[2]],
                       .profile = part.profiles[row[1]],
                       .payload = part.payloads[row[4]],
                       .shard = {shard, part.shards},
                       .filter = part.filter,
                       .environment = part.environment});
    }
  }
  return cells;
}

Expected<std::vector<CellSpec>> cells_of(const std::vector<TierPart>& parts,
                                         const std::string& tier) {
  std::vector<CellSpec> cells;
  std::string known;
  for (const auto& part : parts) {
    if (!(' ' + known + ' ').contains(' ' + part.tier + ' ')) {
      known += (known.empty() ? "" : " ") + part.tier;
    }
    if (part.tier != tier) continue;
    for (auto& cell : cells_of(part)) {
      const auto same = [&cell](const CellSpec& other) { return name_of(other) == name_of(cell); };
      if (std::ranges::none_of(cells, same)) cells.push_back(std::move(cell));
    }
  }
  if (cells.empty()) return could_not_start("no tier is named " + tier + "; there are: " + known);
  return cells;
}

}  // namespace nsgate::lab
