// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/shell_command.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "lab/base/could_not_start.h"
#include "lab/cells/prepare.h"
#include "lab/cells/shell_session.h"
#include "lab/commands/accelerator_option.h"
#include "lab/commands/cell_selection.h"
#include "lab/commands/run_manner.h"

namespace nsgate::lab {
namespace {

struct Arguments {
  CellSelection selection;
  std::vector<std::string> carried;
  std::string output;
  bool offline = false;
  AcceleratorChoice accelerator = AcceleratorChoice::automatic;
};

/// One cell: of what a run would do for several, a person at a console wants the first.
Expected<RunRequest> request_of(const Arguments& arguments, const CommandContext& context) {
  auto selection = arguments.selection;
  if (selection.users.empty()) selection.users = {"root"};
  if (selection.kernels.empty()) selection.kernels = {"6.12"};
  auto cells = selected_cells(selection, context.data);
  if (!cells) return std::unexpected(cells.error());
  if (cells->size() != 1) {
    return could_not_start("a shell is of one cell, and these are " +
                           std::to_string(cells->size()) +
                           ": choose by --kernel, --user, --userland and --profile");
  }
  RunRequest request{.cells = std::move(*cells),
                     .carried = {},
                     .filter = {},
                     .output = output_folder(arguments.output),
                     .deadlines = {},
                     .accelerator = arguments.accelerator};
  for (const auto& file : arguments.carried) request.carried.emplace_back(file);
  return request;
}

Expected<void> open_shell(const Arguments& arguments, const CommandContext& context,
                          const LabFiles& files) {
  const auto request = request_of(arguments, context);
  if (!request) return std::unexpected(request.error());
  ImageBuilder images;
  auto prepared = prepare_run(*request, stores_of(context, arguments.offline), files, {}, images);
  if (!prepared) return std::unexpected(prepared.error());
  auto& cell = prepared->cells.front();
  if (!cell.unavailable.empty()) {
    return std::unexpected(Failure{ExitCode::all_skipped, cell.unavailable});
  }
  const auto shell = shell_of(cell);
  if (!shell) return std::unexpected(shell.error());
  const auto accelerator = accelerator_for(*request, prepared->setup, cell);
  if (!accelerator) return std::unexpected(accelerator.error());
  spdlog::info("{}: the shell's exit ends the guest, and so does Ctrl-A x; the tests are {}",
               name_of(cell.spec), path_in_guest(cell.payload));
  return run_shell_session(prepared->setup, cell, *shell, accelerator->accelerator,
                           prepared->folders.front());
}

}  // namespace

void add_shell_command(CLI::App& app, CommandContext& context, const LabFiles& files) {
  auto* shell = app.add_subcommand("shell", "Open a shell in the guest of a cell");
  const auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  add_cell_options(*shell, a.selection);
  add_accelerator_option(*shell, a.accelerator);
  shell->add_option("--carry", a.carried, "File to lay beside the payload")
      ->allow_extra_args(false);
  shell->add_option("-o,--output", a.output, "Folder for the logs");
  shell->add_flag("--offline", a.offline, "Never use the network; so does NSGATE_OFFLINE=1");
  shell->footer(
      "One cell: --kernel 6.12 --user root unless said otherwise. Without --userland the shell\n"
      "is this machine's busybox. Exits with 0 when the shell was there, whatever it returned.");
  shell->callback([&context, files, arguments] {
    const auto done = open_shell(*arguments, context, files);
    if (done) return;
    spdlog::error(done.error().message);
    context.exit = done.error().code;
  });
}

}  // namespace nsgate::lab
