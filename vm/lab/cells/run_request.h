// SPDX-License-Identifier: Apache-2.0
//
// What a user asks `nsgate run` for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/cells/cell_spec.h"
#include "lab/image/image.h"
#include "lab/kernels/own_kernel.h"
#include "lab/machine/accelerator.h"
#include "lab/machine/guest_watch.h"
#include "lab/userlands/userland.h"

namespace nsgate::lab {

struct RunRequest {
  std::vector<CellSpec> cells;
  std::vector<std::filesystem::path> carried;  ///< beside a payload of the user's own
  std::string filter;      ///< GoogleTest's, of all cells; empty: what the cell or profile says
  std::size_t jobs = 0;    ///< 0: as many as the machine holds
  std::size_t guests = 6;  ///< at most, for one cell
  std::filesystem::path output;
  Deadlines deadlines;
  OwnKernelOptions own{};  ///< for kernels of the user's own
  bool offline = false;
  AcceleratorChoice accelerator = AcceleratorChoice::automatic;
  std::optional<std::uint16_t> gdb_port{};  ///< where QEMU waits for a debugger
};

/// Words as a shell reads them back.
std::string quoted_for_shell(const std::vector<std::string>& words);

/// The command line, quoted for a shell, that runs one cell of the request again. Paths are made
/// absolute.
std::string command_line(const std::string& nsgate, const RunRequest& request,
                         const CellSpec& cell);

}  // namespace nsgate::lab
