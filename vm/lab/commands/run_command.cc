// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/run_command.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>

#include "lab/base/interrupt.h"
#include "lab/base/lifeline.h"
#include "lab/base/user_folders.h"
#include "lab/base/utc_time.h"
#include "lab/commands/accelerator_option.h"
#include "lab/commands/cell_selection.h"
#include "lab/commands/colour.h"
#include "lab/commands/default_kernels.h"
#include "lab/report/ktap.h"
#include "lab/report/table.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// What CLI11 fills in, in its own types.
struct Arguments {
  CellSelection selection;
  std::vector<std::string> carried;
  std::string filter;
  std::size_t jobs = 0;
  std::string output;
  long boot = 60;
  long silence = 30;
  long cell = 300;
  long test = 45;
  bool json = false;
  bool ktap = false;
  bool offline = false;
  bool die_with_stdin = false;
  AcceleratorChoice accelerator = AcceleratorChoice::automatic;
};

/// <state>/results/<UTC time>-<pid>: two runs never share one.
fs::path default_output() {
  return state_folder() / "results" /
         (utc_time("%Y%m%dT%H%M%SZ") + '-' + std::to_string(::getpid()));
}

Expected<RunRequest> request_of(const Arguments& arguments, const CommandContext& context) {
  auto cells = selected_cells(arguments.selection, context.data / "tiers.toml", default_kernels());
  if (!cells) return std::unexpected(cells.error());
  RunRequest request{
      .cells = std::move(*cells),
      .carried = {},
      .filter = arguments.filter,
      .jobs = arguments.jobs,
      .output = arguments.output.empty() ? default_output() : fs::path(arguments.output),
      .deadlines = {.boot = std::chrono::seconds(arguments.boot),
                    .silence = std::chrono::seconds(arguments.silence),
                    .cell = std::chrono::seconds(arguments.cell),
                    .test = std::chrono::seconds(arguments.test)},
      .offline = arguments.offline,
      .accelerator = arguments.accelerator};
  for (const auto& file : arguments.carried) request.carried.emplace_back(file);
  return request;
}

std::string printed(const RunResult& run, const Arguments& arguments) {
  if (arguments.json) return dump(to_json(run));
  return arguments.ktap ? ktap(run) : table(run, stdout_wants_colour());
}

ExitCode run_and_print(const Arguments& arguments, const CommandContext& context,
                       const LabFiles& files) {
  Stores stores{.kernels = context.store, .userlands = context.userlands};
  stores.kernels.offline = stores.userlands.offline = arguments.offline;
  std::optional<LifelineWatch> lifeline;
  if (arguments.die_with_stdin) {
    lifeline.emplace(STDIN_FILENO, [] {
      spdlog::error("stdin has ended: whoever started this run is gone");
      // Not by a signal to itself: whoever ends the session sends one as well, and the second would
      // end the program before it has tidied up.
      interrupt();
    });
  }
  const auto request = request_of(arguments, context);
  const auto run = request ? run_matrix(*request, stores, files) : std::unexpected(request.error());
  if (!run) {
    spdlog::error(run.error().message);
    return run.error().code;
  }
  std::cout << printed(*run, arguments) << std::flush;
  if (std::cout) return run->code;
  spdlog::error("cannot write the results to stdout; they are in {}", run->folder.string());
  return gravest({run->code, ExitCode::infrastructure});
}

}  // namespace

void add_run_command(CLI::App& app, CommandContext& context, const LabFiles& files) {
  auto* run = app.add_subcommand("run", "Boot kernels and run the tests in them");
  const auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  constexpr long longest = 86400;
  add_cell_options(*run, a.selection);
  add_accelerator_option(*run, a.accelerator);
  run->add_option("--carry", a.carried, "File to lay beside the payload")->allow_extra_args(false);
  run->add_option("--filter", a.filter, "GoogleTest filter of the tests to run");
  run->add_option("-j,--jobs", a.jobs,
                  "Guests at a time; default: one a processor, as memory allows")
      ->check(CLI::Range(1, 1024));
  run->add_option("-o,--output", a.output, "Folder for the results");
  run->add_option("--cell-deadline", a.cell, "Seconds for one guest, boot included (300)")
      ->check(CLI::Range(1L, longest));
  run->add_option("--test-deadline", a.test, "Seconds for one test, by the guest's clock (45)")
      ->check(CLI::Range(1L, longest));
  run->add_option("--silence", a.silence)->check(CLI::Range(1L, longest))->group("");
  auto* json = run->add_flag("--json", a.json, "Print the results as data instead of a table");
  run->add_flag("--ktap", a.ktap, "Print the results as KTAP instead of a table")->excludes(json);
  run->add_flag("--offline", a.offline, "Never use the network");
  run->add_flag("--die-with-stdin", a.die_with_stdin,
                "End as by Ctrl-C when stdin ends, as at the loss of an ssh connection");
  run->callback(
      [&context, files, arguments] { context.exit = run_and_print(*arguments, context, files); });
}

}  // namespace nsgate::lab
