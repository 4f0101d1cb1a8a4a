// SPDX-License-Identifier: Apache-2.0
//
// The initramfs of one cell: init, the payload with the shared libraries it needs, and the plan.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "frame/plan.h"
#include "lab/base/failure.h"

namespace nsgate::lab {

/// A GoogleTest program and the files it expects beside itself.
struct Payload {
  std::filesystem::path program;
  std::vector<std::filesystem::path> carried;
};

/// The program as the guest sees it, for the plan.
std::string path_in_guest(const Payload& payload);

/// Where a kernel's modules (Kernel::modules) lie in the guest, in the same order, for the plan.
std::vector<std::string> paths_in_guest(const std::vector<std::filesystem::path>& modules);

/// Writes an uncompressed cpio (newc) archive to `output`, the same bytes for the same inputs.
/// Everything belongs to root. Fails with could_not_start, naming the file, when a part is missing
/// or the disk is full; no half-written archive is left behind.
Expected<void> build_image(const std::filesystem::path& init, const Payload& payload,
                           const frame::Plan& plan, const std::filesystem::path& output,
                           const std::vector<std::filesystem::path>& modules = {});

}  // namespace nsgate::lab
