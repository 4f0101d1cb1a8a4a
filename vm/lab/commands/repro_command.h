// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate repro`: runs exactly what a cell's manifest says.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/cells/matrix_run.h"
#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Its callback leaves the exit code in the context, which has to outlive the app's parse().
void add_repro_command(CLI::App& app, CommandContext& context, const LabFiles& files);

}  // namespace nsgate::lab
