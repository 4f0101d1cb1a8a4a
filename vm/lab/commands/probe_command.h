// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate probe`: which accelerator guests get here, and how that was found out.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Prints the verdict and its stages on stdout. Exit code 2 where --accel kvm asks for what does
/// not work, 125 where there could be no probe.
void add_probe_command(CLI::App& app, CommandContext& context, const std::filesystem::path& init);

}  // namespace nsgate::lab
