// SPDX-License-Identifier: Apache-2.0
//
// What every command of `nsgate` is given, and where it leaves its exit code.
#pragma once

#include <filesystem>

#include "lab/base/failure.h"
#include "lab/kernels/kernel_store.h"
#include "lab/userlands/userland_store.h"

namespace nsgate::lab {

/// Lives as long as the CLI::App whose callbacks refer to it.
struct CommandContext {
  std::filesystem::path data;  ///< the folder of the lab's TOML files
  KernelStore::Options store;
  UserlandStore::Options userlands;
  ExitCode exit = ExitCode::pass;
};

}  // namespace nsgate::lab
