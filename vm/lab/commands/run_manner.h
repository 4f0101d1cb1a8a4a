// SPDX-License-Identifier: Apache-2.0
//
// How cells are run, whatever they are: the options that `nsgate run` and `nsgate repro` share.
//
//   RunManner manner;
//   add_run_manner(*command, manner);
//   context.exit = run_in_manner(request, manner, stores, files);
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "lab/cells/matrix_run.h"
#include "lab/commands/command_context.h"

namespace nsgate::lab {

struct RunManner {
  std::string output;
  std::size_t jobs = 0;
  std::size_t repeat = 0;  ///< 0: not given
  std::uint16_t gdb_port = 0;
  bool gdb = false;
  bool until_fail = false;
  bool bisect = false;
  bool dry_run = false;
  bool json = false;
  bool ktap = false;
  bool offline = false;
};

/// `manner` has to outlive the app's parse().
void add_run_manner(CLI::App& command, RunManner& manner);

/// <state>/results/<UTC time>-<pid>, or what the user said: two runs never share one.
std::filesystem::path output_folder(const std::string& chosen);

/// The context's, without the network where that is asked for.
Stores stores_of(const CommandContext& context, bool offline);

/// Runs the cells and prints what came of it; what went wrong is said on stderr. The request's
/// output, jobs and debugger are the manner's. The answer is what to exit with.
ExitCode run_in_manner(RunRequest request, const RunManner& manner, const Stores& stores,
                       const LabFiles& files, const CellsCheck& check = {});

}  // namespace nsgate::lab
