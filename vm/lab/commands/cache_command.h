// SPDX-License-Identifier: Apache-2.0
//
// The commands `nsgate cache list`, `export`, `import` and `clean`.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "lab/commands/command_context.h"

namespace nsgate::lab {

/// Their callbacks print data on stdout, and leave the exit code in the context, which has to
/// outlive the app's parse().
void add_cache_command(CLI::App& app, CommandContext& context, const std::filesystem::path& cache);

}  // namespace nsgate::lab
