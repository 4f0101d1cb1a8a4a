// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate matrix`: what `nsgate run` would run, cell by cell.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Its callback leaves the exit code in the context, which has to outlive the app's parse().
void add_matrix_command(CLI::App& app, CommandContext& context);

}  // namespace nsgate::lab
