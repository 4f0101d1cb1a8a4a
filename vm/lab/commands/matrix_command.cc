// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/matrix_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "lab/cells/run_request.h"
#include "lab/commands/cell_selection.h"
#include "lab/farm/job_list.h"
#include "lab/farm/lava.h"
#include "lab/farm/slurm.h"

namespace nsgate::lab {
namespace {

struct Arguments {
  CellSelection selection;
  bool json = false;
  bool commands = false;
  bool slurm = false;
  bool lava = false;
};

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

std::string printed(const std::vector<CellSpec>& cells, const Arguments& arguments) {
  if (arguments.json) return job_list(cells);
  if (arguments.commands) return commands(cells);
  if (arguments.slurm) return slurm_script(cells);
  if (arguments.lava) return lava_jobs(cells);
  return table(cells);
}

}  // namespace

void add_matrix_command(CLI::App& app, CommandContext& context) {
  auto* matrix = app.add_subcommand("matrix", "List the cells that `run` would run");
  const auto arguments = std::make_shared<Arguments>();
  add_cell_options(*matrix, arguments->selection);
  auto* json = matrix->add_flag("--json", arguments->json, "Print data instead of a table");
  auto* commands =
      matrix
          ->add_flag("--commands", arguments->commands, "Print one `nsgate run` line for each cell")
          ->excludes(json);
  auto* slurm = matrix
                    ->add_flag("--slurm", arguments->slurm,
                               "Print a job array for sbatch(1), one task for each cell")
                    ->excludes(json)
                    ->excludes(commands);
  matrix->add_flag("--lava", arguments->lava, "Print a LAVA job definition for each cell, as YAML")
      ->excludes(json)
      ->excludes(commands)
      ->excludes(slurm);
  matrix->callback([&context, arguments] {
    const auto cells = selected_cells(arguments->selection, context.data);
    if (!cells) {
      spdlog::error(cells.error().message);
      context.exit = cells.error().code;
      return;
    }
    std::cout << printed(*cells, *arguments);
  });
}

}  // namespace nsgate::lab
