// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate count`: what operations cost in instructions, per kernel.
//
// Under -icount the clock of a guest counts the instructions that it executes: the counts of two
// runs are equal to the last digit, whatever the host. They are no times.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <vector>

#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// A static program that is PID 1 of its guest, prints "count NAME NUMBER" lines and "counted", and
/// ends the guest; and what lies beside it.
struct CountProgram {
  std::filesystem::path program;
  std::vector<std::filesystem::path> carried;
};

/// Its callback leaves the exit code in the context, which has to outlive the app's parse().
void add_count_command(CLI::App& app, CommandContext& context, const CountProgram& program);

}  // namespace nsgate::lab
