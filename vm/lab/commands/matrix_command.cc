// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/matrix_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/cells/run_request.h"
#include "lab/commands/cell_selection.h"
#include "lab/commands/default_kernels.h"

namespace nsgate::lab {
namespace {

struct Arguments {
  CellSelection selection;
  bool json = false;
  bool commands = false;
};

nlohmann::ordered_json to_json(const CellSpec& cell) {
  return {{"cell", name_of(cell)},
          {"kernel", cell.kernel},
          {"userland", cell.userland},
          {"profile", cell.profile},
          {"user", to_string(cell.user)},
          {"payload", cell.payload},
          {"shard", fmt::format("{}/{}", cell.shard.index, cell.shard.of)},
          {"filter", cell.filter}};
}

std::string data(const std::vector<CellSpec>& cells) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& cell : cells) list.push_back(to_json(cell));
  return nlohmann::ordered_json{{"schema_version", 1}, {"cells", list}}.dump(2) + '\n';
}

/// Each is whole by itself: any machine with nsgate can run any of them, in any order.
std::string commands(const std::vector<CellSpec>& cells) {
  std::string lines;
  for (const auto& cell : cells) lines += command_line("nsgate", {}, cell) + '\n';
  return lines;
}

std::string table(const std::vector<CellSpec>& cells) {
  std::size_t widest = 4;
  for (const auto& cell : cells) widest = std::max(widest, name_of(cell).size());
  std::string lines = fmt::format("{:<{}}  {:<8}  {:<9}  {:<24}  USER\n", "CELL", widest, "KERNEL",
                                  "USERLAND", "PROFILE");
  for (const auto& cell : cells) {
    lines += fmt::format("{:<{}}  {:<8}  {:<9}  {:<24}  {}\n", name_of(cell), widest, cell.kernel,
                         cell.userland, cell.profile, to_string(cell.user));
  }
  return lines;
}

}  // namespace

void add_matrix_command(CLI::App& app, CommandContext& context) {
  auto* matrix = app.add_subcommand("matrix", "List the cells that `run` would run");
  const auto arguments = std::make_shared<Arguments>();
  add_cell_options(*matrix, arguments->selection);
  auto* json = matrix->add_flag("--json", arguments->json, "Print data instead of a table");
  matrix->add_flag("--commands", arguments->commands, "Print one `nsgate run` line for each cell")
      ->excludes(json);
  matrix->callback([&context, arguments] {
    const auto cells =
        selected_cells(arguments->selection, context.data / "tiers.toml", default_kernels());
    if (!cells) {
      spdlog::error(cells.error().message);
      context.exit = cells.error().code;
      return;
    }
    std::cout << (arguments->json       ? data(*cells)
                  : arguments->commands ? commands(*cells)
                                        : table(*cells));
  });
}

}  // namespace nsgate::lab
