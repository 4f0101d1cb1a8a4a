// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/cell_selection.h"

#include <algorithm>
#include <charconv>

#include "lab/base/could_not_start.h"
#include "lab/cells/tiers.h"
#include "lab/commands/default_kernels.h"

namespace nsgate::lab {
namespace {

using Names = std::vector<std::string>;

Names or_usual(const Names& chosen, const Names& usual) {
  const auto& values = chosen.empty() ? usual : chosen;
  Names kept;
  for (const auto& value : values) {
    if (std::ranges::find(kept, value) == kept.end()) kept.push_back(value);
  }
  return kept;
}

/// "2/3"
Expected<Shard> parse_shard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  const auto* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc{} && index.ptr != end && *index.ptr == '/';
  if (slash) {
    const auto of = std::from_chars(index.ptr + 1, end, shard.of);
    if (of.ec == std::errc{} && of.ptr == end && shard.index >= 1 && shard.index <= shard.of) {
      return shard;
    }
  }
  return could_not_start("--shard " + text + " is no shard; write 1/3 for the first of three");
}

bool chosen(const Names& names, const std::string& value) {
  return names.empty() || std::ranges::find(names, value) != names.end();
}

}  // namespace

void add_cell_options(CLI::App& command, CellSelection& selection) {
  auto& s = selection;
  command.add_option("--tier", s.tier, "Cells of vm/tiers.toml: smoke, pr, nightly or full");
  command
      .add_option("--kernel", s.kernels,
                  "Name such as 6.1, or a path: bzImage, vmlinux, build tree, .deb or folder; "
                  "default: the four cloud kernels")
      ->allow_extra_args(false);
  command.add_option("--user", s.users, "root, rootless or nested; default: the first two")
      ->check(CLI::IsMember({"root", "rootless", "nested"}))
      ->allow_extra_args(false);
  command
      .add_option("--userland", s.userlands,
                  "Name of vm/userlands.toml, or a path: folder or tar; default: none")
      ->allow_extra_args(false);
  command
      .add_option("--profile", s.profiles, "Policy of vm/profiles.toml; default: debian-default")
      ->allow_extra_args(false);
  command.add_option("--payload", s.payload, "GoogleTest program; default: nsgate's own tests");
  command
      .add_option("--env", s.environment,
                  "NAME=value for the tests, such as RC_PARAMS=seed=1; besides a tier's")
      ->allow_extra_args(false);
  command.add_option("--shard", s.shard, "i/n: every n-th test, beginning with the i-th");
}

Expected<std::vector<CellSpec>> selected_cells(const CellSelection& selection,
                                               const std::filesystem::path& data) {
  const auto shard = parse_shard(selection.shard);
  if (!shard) return std::unexpected(shard.error());
  for (const auto& variable : selection.environment) {
    if (const auto good = check_variable(variable); !good) return std::unexpected(good.error());
  }
  if (!selection.tier.empty()) {
    const auto parts = load_tiers(data / "tiers.toml");
    if (!parts) return std::unexpected(parts.error());
    auto cells = cells_of(*parts, selection.tier);
    if (!cells) return cells;
    std::erase_if(*cells, [&](const CellSpec& cell) {
      return !chosen(selection.kernels, cell.kernel) ||
             !chosen(selection.userlands, cell.userland) ||
             !chosen(selection.profiles, cell.profile) ||
             !chosen(selection.users, std::string(to_string(cell.user)));
    });
    if (cells->empty()) {
      return could_not_start("no cell of the tier " + selection.tier + " is what was asked for");
    }
    for (auto& cell : *cells) {
      // Of two values of one variable the first counts (getenv(3)).
      cell.environment.insert(cell.environment.begin(), selection.environment.begin(),
                              selection.environment.end());
    }
    return cells;
  }
  const auto usual_kernels = default_kernels(data / "kernels.toml");
  if (!usual_kernels) return std::unexpected(usual_kernels.error());
  std::vector<CellSpec> cells;
  for (const auto& kernel : or_usual(selection.kernels, *usual_kernels)) {
    for (const auto& profile : or_usual(selection.profiles, {default_profile})) {
      for (const auto& userland : or_usual(selection.userlands, {default_userland})) {
        for (const auto& user : or_usual(selection.users, {"root", "rootless"})) {
          cells.push_back({.kernel = kernel,
                           .user = frame::user_of(user).value_or(frame::User::root),
                           .userland = userland,
                           .profile = profile,
                           .payload = selection.payload.empty() ? std::string(default_payload)
                                                                : selection.payload,
                           .shard = *shard,
                           .filter = {},
                           .environment = selection.environment});
        }
      }
    }
  }
  return cells;
}

}  // namespace nsgate::lab
