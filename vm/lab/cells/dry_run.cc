// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/dry_run.h"

#include <spdlog/spdlog.h>

#include "lab/cells/guest_parts.h"
#include "lab/cells/prepare.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

Expected<std::string> line_of_cell(const CellSetup& setup, const Cell& cell,
                                   Accelerator accelerator, const fs::path& folder) {
  if (!cell.unavailable.empty()) {
    return "# " + name_of(cell.spec) + " is not booted: " + cell.unavailable;
  }
  const auto nonce = make_nonce();
  if (!nonce) return nonce;
  const auto image = fs::absolute(folder / "initramfs.cpio");
  if (auto built = setup.images->build(image_parts(setup, cell),
                                       plan_of(setup, cell, *nonce, cell.tests), image);
      !built) {
    return std::unexpected(std::move(built.error()));
  }
  return quoted_for_shell(qemu_command(
      setup.qemu,
      machine_of(setup, cell, accelerator, image, fs::absolute(folder / "console.log"))));
}

}  // namespace

Expected<std::vector<std::string>> dry_run(const RunRequest& request, const Stores& stores,
                                           const LabFiles& files, const CellsCheck& check) {
  ImageBuilder images;
  const auto prepared = prepare_run(request, stores, files, check, images);
  if (!prepared) return std::unexpected(prepared.error());
  const auto& [setup, cells, folders] = *prepared;
  const auto accelerator = accelerator_for(request, setup, cells.front());
  if (!accelerator) return std::unexpected(accelerator.error());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    auto line = line_of_cell(setup, cells[i], accelerator->accelerator, folders[i]);
    if (!line) return std::unexpected(std::move(line.error()));
    lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace nsgate::lab
