// SPDX-License-Identifier: Apache-2.0
//
// The options by which a user chooses the form of results on stdout, for commands that have some.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "lab/report/results.h"

namespace nsgate::lab {

struct ReportFormat {
  bool json = false;
  bool ktap = false;
  bool junit = false;
  bool table = false;
};

/// --json, --ktap, --junit and --table, which is the default. `format` has to outlive the app's
/// parse().
void add_format_options(CLI::App& command, ReportFormat& format);

/// Prints the run in that form. The answer is the run's code, or what is graver: that stdout did
/// not take it all.
ExitCode print_report(const RunResult& run, const ReportFormat& format);

}  // namespace nsgate::lab
