// SPDX-License-Identifier: Apache-2.0
//
// Finds image, config and modules of a kernel that is not Debian's-by-name: in a build tree, in a
// folder laid out like /, or around an image.
//
//   find_kernel("linux/");                       // a build tree
//   find_kernel("/boot/vmlinuz-6.1.0-9-amd64");  // with config and modules of that release
#pragma once

#include <filesystem>
#include <string>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct FoundKernel {
  std::string release;  ///< as uname -r will say; empty when unknown
  std::filesystem::path image;
  std::filesystem::path config;  ///< empty when there is none
  std::filesystem::path
      modules;  ///< lib/modules/<release> or a build tree; empty when there is none
};

/// An image (bzImage, vmlinux) or a folder (build tree, laid out like /). Fails with
/// could_not_start, naming the file and the remedy. Thread-safe.
Expected<FoundKernel> find_kernel(const std::filesystem::path& path);

/// The folder that modules of the release lie in: `given` itself, or its
/// [usr/]lib/modules/<release>. With an unknown release there must be just one. Fails with
/// could_not_start, telling which releases there are.
Expected<std::filesystem::path> find_modules(const std::filesystem::path& given,
                                             const std::string& release);

}  // namespace nsgate::lab
