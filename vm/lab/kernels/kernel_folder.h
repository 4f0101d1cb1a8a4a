// SPDX-License-Identifier: Apache-2.0
//
// A kernel laid down in a folder: image, config, the modules that guests get, and a manifest that
// vouches for each by its hash.
//
//   fill_kernel_folder(folder, {.image = "vmlinuz", .config = "config", .modules = chosen});
//   auto kernel = read_kernel_folder(folder, Stamps::refresh);   // again and again, in a
//   millisecond
//
// Hashing tens of megabytes at each start would cost more than all else that is done before a boot.
// So beside the manifest lie stamps: size, inode and times of each file when it was hashed last.
// While they are the same the hash is; that of a file changed within one tick of the clock is not
// relied on, as git does with its index.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/module_set.h"

namespace nsgate::lab {

/// What goes into a folder. Empty paths: there is none.
struct KernelParts {
  std::string release;
  std::filesystem::path image;
  std::filesystem::path config;
  ModuleSet modules;
  std::string origin{};  ///< kept and given back: what the kernel was made of
};

/// What lies in a folder.
struct StoredKernel {
  std::string release;
  std::string origin;
  std::filesystem::path image;
  std::string image_sha256;
  std::filesystem::path config;
  std::vector<std::filesystem::path> modules;  ///< uncompressed, in load order
  std::vector<std::string> built_in;           ///< wishes that need no module
  std::vector<std::string> absent;             ///< wishes that the kernel does not have
};

/// Empties the folder first. Modules become "modules/00-name.ko" and so on. All is synced to disk.
/// Fails with could_not_start, naming the file.
Expected<StoredKernel> fill_kernel_folder(const std::filesystem::path& folder,
                                          const KernelParts& parts);

/// Nothing when the folder is not there, or a file in it is not what the manifest says. With
/// Stamps::refresh, what had to be hashed need not be hashed the next time; a folder that cannot be
/// written to stays as it is. Fails with could_not_start when a file cannot be read.
enum class Stamps { leave, refresh };
Expected<std::optional<StoredKernel>> read_kernel_folder(const std::filesystem::path& folder,
                                                         Stamps stamps);

}  // namespace nsgate::lab
