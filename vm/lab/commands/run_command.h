// SPDX-License-Identifier: Apache-2.0
//
// The command `nsgate run`: boots the cells and prints their verdicts.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/cells/matrix_run.h"
#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// What is run when the user names no payload.
struct DefaultPayloads {
  Payload plain;
  Payload on_userland;  ///< dynamic, to run on the libc of a userland
};

/// Its callback leaves the exit code in the context,
/// which has to outlive the app's parse().
void add_run_command(CLI::App& app, CommandContext& context, const GuestParts& parts,
                     const DefaultPayloads& payloads);

}  // namespace nsgate::lab
