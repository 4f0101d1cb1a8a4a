// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/farm_command.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>

#include "lab/base/user_folders.h"
#include "lab/base/utc_time.h"
#include "lab/commands/cell_selection.h"
#include "lab/commands/report_format.h"
#include "lab/farm/farm.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  CellSelection selection;
  std::string hosts;
  std::string output;
  std::string nsgate = "nsgate";
  std::vector<std::string> carried;
  std::string filter;
  std::size_t shards = 1;
  std::size_t jobs_per_host = 0;
  std::size_t tries = 3;
  long timeout = 0;
  long cell = 300;
  long test = 45;
  bool resume = false;
  bool no_doctor = false;
  ReportFormat format;
};

/// Each cell as so many, every one with a part of the tests.
std::vector<CellSpec> in_shards(const std::vector<CellSpec>& cells, std::size_t shards) {
  std::vector<CellSpec> parts;
  for (const auto& cell : cells) {
    for (std::size_t index = 1; index <= shards; ++index) {
      parts.push_back(cell);
      if (shards > 1) parts.back().shard = {index, shards};
    }
  }
  return parts;
}

Expected<FarmRequest> request_of(const Arguments& arguments, const CommandContext& context) {
  const auto cells = selected_cells(arguments.selection, context.data);
  if (!cells) return std::unexpected(cells.error());
  auto hosts = load_hosts(arguments.hosts);
  if (!hosts) return std::unexpected(hosts.error());
  const auto output = arguments.output.empty()
                          ? state_folder() / "results" /
                                (utc_time("%Y%m%dT%H%M%SZ") + '-' + std::to_string(::getpid()))
                          : fs::path(arguments.output);
  FarmRequest request{.run = {.cells = in_shards(*cells, arguments.shards),
                              .carried = {},
                              .filter = arguments.filter,
                              .output = output,
                              .deadlines = {}},
                      .hosts = std::move(*hosts),
                      .nsgate = arguments.nsgate,
                      .jobs_per_host = arguments.jobs_per_host,
                      .tries = arguments.tries,
                      .timeout = std::chrono::seconds(arguments.timeout),
                      .resume = arguments.resume,
                      .doctor = !arguments.no_doctor};
  request.run.deadlines.cell = std::chrono::seconds(arguments.cell);
  request.run.deadlines.test = std::chrono::seconds(arguments.test);
  for (const auto& file : arguments.carried) request.run.carried.emplace_back(file);
  return request;
}

}  // namespace

void add_farm_command(CLI::App& app, CommandContext& context) {
  auto* farm =
      app.add_subcommand("farm", "Run cells on several machines, by GNU parallel over ssh");
  const auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  constexpr long longest = 86400;
  add_cell_options(*farm, a.selection);
  farm->add_option("--hosts", a.hosts,
                   "File of hosts, one a line: [jobs/][ssh command] [user@]host")
      ->required();
  farm->add_option("--shards", a.shards, "Cut each cell into so many jobs")
      ->check(CLI::Range(1, 1000))
      ->excludes("--shard");
  farm->add_option("--carry", a.carried, "File to lay beside the payload")->allow_extra_args(false);
  farm->add_option("--filter", a.filter, "GoogleTest filter of the tests to run");
  farm->add_option("-o,--output", a.output, "Folder for the results");
  farm->add_option("--jobs-per-host", a.jobs_per_host,
                   "Cells at a time on each; default: what its line says, else one a processor")
      ->check(CLI::Range(1, 1024));
  farm->add_option("--retries", a.tries, "Tries of a cell that came to no verdict (3)")
      ->check(CLI::Range(1, 100));
  farm->add_flag("--resume", a.resume, "Keep the verdicts that the folder has, run what is lacking")
      ->needs("--output");
  farm->add_option("--nsgate", a.nsgate, "Path of nsgate on the hosts");
  farm->add_option("--timeout", a.timeout, "Seconds for one try of a cell; default: no limit")
      ->check(CLI::Range(1L, longest));
  farm->add_option("--cell-deadline", a.cell,
                   "Seconds for one guest, boot included (300), and 2 more for each test")
      ->check(CLI::Range(1L, longest));
  farm->add_option("--test-deadline", a.test, "Seconds for one test, by the guest's clock (45)")
      ->check(CLI::Range(1L, longest));
  farm->add_flag("--no-doctor", a.no_doctor, "Do not ask each host's doctor first");
  add_format_options(*farm, a.format);
  farm->callback([&context, arguments] {
    const auto request = request_of(*arguments, context);
    const auto run = request ? run_farm(*request) : std::unexpected(request.error());
    if (!run) spdlog::error(run.error().message);
    context.exit = run ? print_report(*run, arguments->format) : run.error().code;
  });
}

}  // namespace nsgate::lab
