// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/repro_command.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "lab/base/could_not_start.h"
#include "lab/cells/reproduction.h"
#include "lab/commands/run_manner.h"
#include "lab/report/result_folder.h"

namespace nsgate::lab {
namespace {

struct Arguments {
  std::string folder;
  bool anyway = false;
  RunManner manner;
};

/// Says each difference, and refuses where that is not taken for granted.
CellsCheck sameness(const nlohmann::ordered_json& then, const RunRequest& request, bool anyway) {
  return [=](const CellSetup& setup, const std::vector<Cell>& cells) -> Expected<void> {
    const auto now =
        manifest_of({.cell = cells.front(), .verdict = {}, .guests = {}}, setup, request);
    const auto lines = differences(then, now);
    for (const auto& line : lines) spdlog::warn("differs: {}", line);
    if (lines.empty() || anyway) return {};
    return could_not_start("this is no longer what was run, in " + std::to_string(lines.size()) +
                           (lines.size() == 1 ? " part" : " parts") +
                           ": bring them back, or run it with --anyway");
  };
}

ExitCode reproduce(const Arguments& arguments, const CommandContext& context,
                   const LabFiles& files) {
  const auto manifest = read_manifest(arguments.folder);
  const auto request = manifest ? request_of(*manifest, files)
                                : Expected<RunRequest>(std::unexpected(manifest.error()));
  if (!request) {
    spdlog::error(request.error().message);
    return request.error().code;
  }
  return run_in_manner(*request, arguments.manner, stores_of(context, arguments.manner.offline),
                       files, sameness(*manifest, *request, arguments.anyway));
}

}  // namespace

void add_repro_command(CLI::App& app, CommandContext& context, const LabFiles& files) {
  auto* repro = app.add_subcommand("repro", "Run again exactly what a cell's manifest.json says");
  const auto arguments = std::make_shared<Arguments>();
  repro->add_option("DIR", arguments->folder, "Result folder of one cell")->required();
  repro->add_flag("--anyway", arguments->anyway, "Run even if something is no longer the same");
  add_run_manner(*repro, arguments->manner);
  repro->callback(
      [&context, files, arguments] { context.exit = reproduce(*arguments, context, files); });
}

}  // namespace nsgate::lab
