// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/report_format.h"

#include <spdlog/spdlog.h>

#include <iostream>

#include "lab/commands/colour.h"
#include "lab/report/junit.h"
#include "lab/report/ktap.h"
#include "lab/report/table.h"

namespace nsgate::lab {
namespace {

std::string printed(const RunResult& run, const ReportFormat& format) {
  if (format.json) return dump(to_json(run));
  if (format.ktap) return ktap(run);
  if (format.junit) return junit(run);
  return table(run, stdout_wants_colour());
}

}  // namespace

void add_format_options(CLI::App& command, ReportFormat& format) {
  auto* json = command.add_flag("--json", format.json, "Print data");
  auto* ktap = command.add_flag("--ktap", format.ktap, "Print KTAP")->excludes(json);
  auto* junit =
      command.add_flag("--junit", format.junit, "Print JUnit XML")->excludes(json)->excludes(ktap);
  command.add_flag("--table", format.table, "Print a table; the default")
      ->excludes(json)
      ->excludes(ktap)
      ->excludes(junit);
}

ExitCode print_report(const RunResult& run, const ReportFormat& format) {
  std::cout << printed(run, format) << std::flush;
  if (std::cout) return run.code;
  spdlog::error("cannot write the results to stdout");
  return gravest({run.code, ExitCode::infrastructure});
}

}  // namespace nsgate::lab
