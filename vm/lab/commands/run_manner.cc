// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/run_manner.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>

#include "lab/base/could_not_start.h"
#include "lab/base/user_folders.h"
#include "lab/base/utc_time.h"
#include "lab/cells/bisection.h"
#include "lab/cells/debugger.h"
#include "lab/cells/dry_run.h"
#include "lab/cells/repetition.h"
#include "lab/commands/colour.h"
#include "lab/report/ktap.h"
#include "lab/report/table.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

ExitCode say(const Failure& failure) {
  spdlog::error(failure.message);
  return failure.code;
}

/// A person who looks around in a guest is in no hurry, and a guest that stands still hangs not.
Expected<void> wait_for_debugger(RunRequest& request, std::uint16_t port) {
  if (request.cells.size() != 1) {
    return could_not_start("--gdb takes one cell, and these are " +
                           std::to_string(request.cells.size()) +
                           ": choose by --kernel, --user and --profile");
  }
  constexpr auto never = std::chrono::hours(24);
  request.deadlines = {.boot = never, .silence = never, .cell = never, .test = never};
  request.gdb_port = port;
  return {};
}

/// Says how to connect once it is known which kernel it is.
CellsCheck with_hint(const CellsCheck& check) {
  return [check](const CellSetup& setup, const std::vector<Cell>& cells) -> Expected<void> {
    if (check) {
      if (auto good = check(setup, cells); !good) return good;
    }
    // A person waits for this line even with --quiet.
    spdlog::warn(gdb_hint(cells.front().kernel, *setup.gdb_port));
    return {};
  };
}

ExitCode print_lines(const Expected<std::vector<std::string>>& lines) {
  if (!lines) return say(lines.error());
  for (const auto& line : *lines) std::cout << line << '\n';
  std::cout << std::flush;
  return ExitCode::pass;
}

/// As it counts for the caller. A failure of the lab, such as KVM that was asked for and does not
/// work, is no word about the commit.
ExitCode code_of(const Failure& failure, const RunManner& manner) {
  return manner.bisect ? code_for_bisection(failure) : failure.code;
}

ExitCode code_of(const RunResult& run, const RunManner& manner) {
  return manner.bisect ? code_for_bisection(run) : run.code;
}

std::string printed(const RunResult& run, const RunManner& manner) {
  if (manner.json) return dump(to_json(run));
  return manner.ktap ? ktap(run) : table(run, stdout_wants_colour());
}

ExitCode run_once(const RunRequest& request, const RunManner& manner, const Stores& stores,
                  const LabFiles& files, const CellsCheck& check) {
  const auto run = run_matrix(request, stores, files, check);
  if (!run) {
    say(run.error());
    return code_of(run.error(), manner);
  }
  std::cout << printed(*run, manner) << std::flush;
  if (std::cout) return code_of(*run, manner);
  const Failure unwritten{
      ExitCode::infrastructure,
      "cannot write the results to stdout; they are in " + run->folder.string()};
  say(unwritten);
  return gravest({code_of(*run, manner), code_of(unwritten, manner)});
}

/// Only what is no pass is worth a table each time.
ExitCode run_repeatedly(const RunRequest& request, const RunManner& manner, const Stores& stores,
                        const LabFiles& files, const CellsCheck& check) {
  const auto tally =
      repeat({.times = manner.repeat, .until_fail = manner.until_fail},
             [&](std::size_t number) -> Expected<ExitCode> {
               auto one = request;
               one.output /= std::to_string(number);
               const auto run = run_matrix(one, stores, files, check);
               if (!run) {
                 say(run.error());
                 return std::unexpected(Failure{code_of(run.error(), manner), run.error().message});
               }
               if (run->code != ExitCode::pass) {
                 std::cout << printed(*run, manner) << std::flush;
               }
               return code_of(*run, manner);
             });
  if (!tally) return tally.error().code;
  std::cout << summary(*tally) << "; results in " << request.output.string() << std::endl;
  // Of several, one that could not be judged says less than those that could.
  return gravest(*tally);
}

}  // namespace

void add_run_manner(CLI::App& command, RunManner& manner) {
  auto& m = manner;
  command
      .add_option("-j,--jobs", m.jobs,
                  "Guests at a time; default: one a processor, as memory allows")
      ->check(CLI::Range(1, 1024));
  command.add_option("-o,--output", m.output, "Folder for the results");
  auto* json = command.add_flag("--json", m.json, "Print the results as data instead of a table");
  auto* ktap = command.add_flag("--ktap", m.ktap, "Print the results as KTAP instead of a table")
                   ->excludes(json);
  command.add_flag("--offline", m.offline, "Never use the network; so does NSGATE_OFFLINE=1");
  auto* dry = command.add_flag("--dry-run", m.dry_run,
                               "Print QEMU's command lines and leave the images for them");
  auto* gdb = command
                  .add_option_function<std::uint16_t>(
                      "--gdb",
                      [&m](std::uint16_t port) {
                        m.gdb = true;
                        m.gdb_port = port;
                      },
                      "Let the guest wait for gdb at this port of 127.0.0.1 (1234); no deadlines")
                  ->check(CLI::Range(1, 65535))
                  ->expected(0, 1)
                  ->default_str("1234");
  auto* repeat = command.add_option("--repeat", m.repeat, "Run so many times")
                     ->check(CLI::Range(1, 1000000))
                     ->excludes(json)
                     ->excludes(ktap);
  auto* until = command
                    .add_flag("--until-fail", m.until_fail,
                              "Run again and again until a run is no pass, or --repeat is reached")
                    ->excludes(json)
                    ->excludes(ktap);
  command.add_flag("--bisect", m.bisect,
                   "For git bisect run: exit with 125 (skip) unless a test passed or failed");
  for (auto* option : {gdb, repeat, until}) dry->excludes(option);
}

fs::path output_folder(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  return state_folder() / "results" /
         (utc_time("%Y%m%dT%H%M%SZ") + '-' + std::to_string(::getpid()));
}

Stores stores_of(const CommandContext& context, bool offline) {
  Stores stores{.kernels = context.store, .userlands = context.userlands};
  if (offline) stores.kernels.offline = stores.userlands.offline = true;
  return stores;
}

ExitCode run_in_manner(RunRequest request, const RunManner& manner, const Stores& stores,
                       const LabFiles& files, const CellsCheck& check) {
  request.output = output_folder(manner.output);
  request.jobs = manner.jobs;
  request.offline = stores.kernels.offline;
  if (manner.gdb) {
    if (const auto ready = wait_for_debugger(request, manner.gdb_port); !ready) {
      return say(ready.error());
    }
  }
  if (manner.dry_run) return print_lines(dry_run(request, stores, files, check));
  const auto checked = manner.gdb ? with_hint(check) : check;
  return manner.repeat > 0 || manner.until_fail
             ? run_repeatedly(request, manner, stores, files, checked)
             : run_once(request, manner, stores, files, checked);
}

}  // namespace nsgate::lab
