// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/run_command.h"

#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>
#include <optional>

#include "lab/base/interrupt.h"
#include "lab/base/lifeline.h"
#include "lab/cells/prepare.h"
#include "lab/commands/accelerator_option.h"
#include "lab/commands/cell_selection.h"
#include "lab/commands/run_manner.h"

namespace nsgate::lab {
namespace {

/// What CLI11 fills in, in its own types.
struct Arguments {
  CellSelection selection;
  std::vector<std::string> carried;
  std::string modules;
  std::string config;
  std::string filter;
  long boot = 60;
  long silence = 30;
  long cell = 300;
  long test = 45;
  bool list_tests = false;
  RunManner manner;
  bool die_with_stdin = false;
  AcceleratorChoice accelerator = AcceleratorChoice::automatic;
};

Expected<RunRequest> request_of(const Arguments& arguments, const CommandContext& context) {
  auto cells = selected_cells(arguments.selection, context.data);
  if (!cells) return std::unexpected(cells.error());
  RunRequest request{.cells = std::move(*cells),
                     .carried = {},
                     .filter = arguments.filter,
                     .output = {},
                     .deadlines = {.boot = std::chrono::seconds(arguments.boot),
                                   .silence = std::chrono::seconds(arguments.silence),
                                   .cell = std::chrono::seconds(arguments.cell),
                                   .test = std::chrono::seconds(arguments.test)},
                     .accelerator = arguments.accelerator};
  for (const auto& file : arguments.carried) request.carried.emplace_back(file);
  request.own = {.modules = arguments.modules, .config = arguments.config};
  return request;
}

ExitCode print_tests(const RunRequest& request, const LabFiles& files) {
  const auto tests = tests_of_request(request, files);
  if (!tests) {
    spdlog::error(tests.error().message);
    return tests.error().code;
  }
  for (const auto& test : *tests) std::cout << test << '\n';
  return ExitCode::pass;
}

ExitCode run_and_print(const Arguments& arguments, const CommandContext& context,
                       const LabFiles& files) {
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
  if (!request) {
    spdlog::error(request.error().message);
    return request.error().code;
  }
  if (arguments.list_tests) return print_tests(*request, files);
  auto stores = stores_of(context, arguments.manner.offline);
  stores.kernels.own = request->own;
  return run_in_manner(*request, arguments.manner, stores, files);
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
  run->add_option("--modules", a.modules,
                  "For a kernel of your own: INSTALL_MOD_PATH, lib/modules/<release> or build tree")
      ->check(CLI::ExistingDirectory);
  run->add_option("--config", a.config, "For a kernel of your own: its .config")
      ->check(CLI::ExistingFile);
  run->add_option("--filter", a.filter, "GoogleTest filter of the tests to run");
  add_run_manner(*run, a.manner);
  run->add_flag("--list-tests", a.list_tests, "Print the names of the tests and boot nothing");
  run->add_option("--cell-deadline", a.cell,
                  "Seconds for one guest, boot included (300), and 2 more for each test")
      ->check(CLI::Range(1L, longest));
  run->add_option("--test-deadline", a.test, "Seconds for one test, by the guest's clock (45)")
      ->check(CLI::Range(1L, longest));
  run->add_option("--boot-deadline", a.boot)->check(CLI::Range(1L, longest))->group("");
  run->add_option("--silence", a.silence)->check(CLI::Range(1L, longest))->group("");
  run->add_flag("--die-with-stdin", a.die_with_stdin,
                "End as by Ctrl-C when stdin ends, as at the loss of an ssh connection");
  run->callback(
      [&context, files, arguments] { context.exit = run_and_print(*arguments, context, files); });
}

}  // namespace nsgate::lab
