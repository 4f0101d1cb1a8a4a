// SPDX-License-Identifier: Apache-2.0
//
// Takes what a host of a farm sent back for one cell: the archive of remote_job.h. The host may be
// broken, so nothing in it is believed before all of it is checked.
//
//   auto result = take_results("farm/streams/6.1-root.tgz", spec, "out/6.1-root");
//
// Thread-safe for different folders.
#pragma once

#include <filesystem>

#include "lab/base/failure.h"
#include "lab/cells/cell.h"
#include "lab/cells/cell_spec.h"

namespace nsgate::lab {

/// Moves the cell's files into `folder`, in place of what is there, and answers its result. Fails
/// with infrastructure, and leaves `folder` alone, when the archive is not whole, holds something
/// else than files and folders, tells of another cell, or contradicts itself.
Expected<CellResult> take_results(const std::filesystem::path& archive, const CellSpec& spec,
                                  const std::filesystem::path& folder);

/// What an earlier call left in `folder`.
Expected<CellResult> taken_results(const CellSpec& spec, const std::filesystem::path& folder);

}  // namespace nsgate::lab
