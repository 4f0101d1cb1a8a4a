// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate report`: results of one or several runs as one report.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Its callback leaves the exit code in the context, which has to outlive the app's parse().
void add_report_command(CLI::App& app, CommandContext& context);

}  // namespace nsgate::lab
