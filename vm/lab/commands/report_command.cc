// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/report_command.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>

#include "lab/base/could_not_start.h"
#include "lab/commands/report_format.h"
#include "lab/farm/job_list.h"
#include "lab/report/merge.h"
#include "lab/report/read_results.h"
#include "lab/report/result_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> folders;
  std::string expected;
  std::string output;
  bool strict = false;
  ReportFormat format;
};

/// A folder, or the results.json in it.
fs::path results_file(const fs::path& given) {
  return fs::is_directory(given) ? given / "results.json" : given;
}

/// Results that cannot be read make the whole no pass, but do not hide the others.
Expected<std::vector<RunResult>> read_all(const Arguments& arguments, bool& broken) {
  std::vector<RunResult> runs;
  for (const auto& folder : arguments.folders) {
    auto run = read_results(results_file(folder));
    if (!run && arguments.strict) return std::unexpected(run.error());
    if (run) {
      runs.push_back(std::move(*run));
    } else {
      spdlog::error(run.error().message);
      broken = true;
    }
  }
  return runs;
}

Expected<RunResult> merged_results(const Arguments& arguments) {
  MergeOptions options{.strict = arguments.strict, .expected = {}};
  if (!arguments.expected.empty()) {
    auto cells = read_job_list(arguments.expected);
    if (!cells) return std::unexpected(cells.error());
    options.expected = with_absolute_paths(std::move(*cells));
  } else if (arguments.folders.empty()) {
    return could_not_start("nothing to report: name a folder with results, or --expect a job list");
  }
  bool broken = false;
  const auto runs = read_all(arguments, broken);
  if (!runs) return std::unexpected(runs.error());
  auto merged = merge(*runs, options);
  if (!merged) return std::unexpected(merged.error());
  for (const auto& note : merged->notes) spdlog::warn(note);
  auto& run = merged->run;
  if (broken) run.code = gravest({run.code, ExitCode::infrastructure});
  run.folder = !arguments.output.empty() || runs->empty() ? fs::path(arguments.output)
                                                          : runs->front().folder;
  if (arguments.output.empty()) return std::move(run);
  auto written = prepare_folder(run.folder);
  if (written) written = write_run(run);
  if (!written) return std::unexpected(written.error());
  return std::move(run);
}

}  // namespace

void add_report_command(CLI::App& app, CommandContext& context) {
  auto* report = app.add_subcommand("report", "Merge results of several runs into one report");
  const auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  report->add_option("DIR", a.folders, "Folders of runs or of cells, or their results.json");
  report->add_option("--expect", a.expected,
                     "Cells that were asked for, as of nsgate matrix --json: one without a result "
                     "is MISS");
  report->add_flag("--strict", a.strict,
                   "Fail where a cell has two results or a file cannot be read, instead of saying "
                   "so");
  report->add_option("-o,--output", a.output, "Folder for the merged results");
  add_format_options(*report, a.format);
  report->callback([&context, arguments] {
    const auto run = merged_results(*arguments);
    if (!run) spdlog::error(run.error().message);
    context.exit = run ? print_report(*run, arguments->format) : run.error().code;
  });
}

}  // namespace nsgate::lab
