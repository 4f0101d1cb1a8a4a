// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate doctor`: what this machine lacks for the lab, and how to get it.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/cells/matrix_run.h"
#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// One line for each check on stdout. Exit code 0 when cells can run, 125 when not.
void add_doctor_command(CLI::App& app, CommandContext& context, const LabFiles& files);

}  // namespace nsgate::lab
