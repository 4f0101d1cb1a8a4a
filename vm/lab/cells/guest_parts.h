// SPDX-License-Identifier: Apache-2.0
//
// What the guest of a cell is made of, whether tests or a person use it.
//
//   auto nonce = make_nonce();
//   images.build(image_parts(setup, cell), plan_of(setup, cell, *nonce, cell.tests), image);
//   qemu_command(setup.qemu, machine_of(setup, cell, Accelerator::tcg, image, console));
//
// Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/cells/cell.h"

namespace nsgate::lab {

/// The secret of one boot, which tells init's frames from those of a test. Fails with
/// could_not_start.
Expected<std::string> make_nonce();

frame::Plan plan_of(const CellSetup& setup, const Cell& cell, const std::string& nonce,
                    std::vector<std::string> tests);

ImageParts image_parts(const CellSetup& setup, const Cell& cell);

Machine machine_of(const CellSetup& setup, const Cell& cell, Accelerator accelerator,
                   const std::filesystem::path& image, const std::filesystem::path& console);

}  // namespace nsgate::lab
