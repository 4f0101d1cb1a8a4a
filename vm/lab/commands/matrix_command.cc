// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/matrix_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/cells/cell.h"

namespace nsgate::lab {
namespace {

struct Arguments {
  bool json = false;
  bool commands = false;
};

std::string listing(const std::vector<std::string>& kernels, const Arguments& arguments) {
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  std::string lines =
      arguments.commands ? "" : fmt::format("{:<16}  {:<8}  USER\n", "CELL", "KERNEL");
  for (const auto& kernel : kernels) {
    for (const auto user : {frame::User::root, frame::User::rootless}) {
      const auto name = cell_name(kernel, user);
      const auto who = std::string(to_string(user));
      cells.push_back({{"cell", name}, {"kernel", kernel}, {"user", who}});
      lines += arguments.commands ? fmt::format("nsgate run --kernel {} --user {}\n", kernel, who)
                                  : fmt::format("{:<16}  {:<8}  {}\n", name, kernel, who);
    }
  }
  if (!arguments.json) return lines;
  return nlohmann::ordered_json{{"schema_version", 1}, {"cells", cells}}.dump(2) + '\n';
}

}  // namespace

void add_matrix_command(CLI::App& app, CommandContext& context) {
  auto* matrix = app.add_subcommand("matrix", "List the cells: every kernel with every user");
  const auto arguments = std::make_shared<Arguments>();
  auto* json = matrix->add_flag("--json", arguments->json, "Print data instead of a table");
  matrix->add_flag("--commands", arguments->commands, "Print one `nsgate run` line for each cell")
      ->excludes(json);
  matrix->callback([&context, arguments] {
    const auto store =
        KernelStore::open(context.store, [](std::string_view text) { spdlog::info(text); });
    if (store) {
      std::cout << listing(store->default_names(), *arguments);
    } else {
      spdlog::error(store.error().message);
      context.exit = store.error().code;
    }
  });
}

}  // namespace nsgate::lab
