// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate shell`: a console for a person in the guest of a cell.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/cells/matrix_run.h"
#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Its callback leaves the exit code in the context, which has to outlive the app's parse().
void add_shell_command(CLI::App& app, CommandContext& context, const LabFiles& files);

}  // namespace nsgate::lab
