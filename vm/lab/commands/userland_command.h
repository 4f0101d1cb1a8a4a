// SPDX-License-Identifier: Apache-2.0
//
// The commands `nsgate userland list` and `build`.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Their callbacks print data on stdout and progress on stderr, and leave the exit code in the
/// context, which has to outlive the app's parse().
void add_userland_command(CLI::App& app, CommandContext& context);

}  // namespace nsgate::lab
