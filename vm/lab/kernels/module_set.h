// SPDX-License-Identifier: Apache-2.0
//
// Chooses those modules of a kernel that a guest shall have, with all that they need, and the order
// in which to load them: the guest has no modprobe.
//
//   auto chosen = choose_modules("/lib/modules/6.1.0-9-amd64", {"veth", "bridge"},
//   "6.1.0-9-amd64"); chosen->files;   // …/llc.ko, …/stp.ko, …/bridge.ko, …: each behind what it
//   needs
//
// What a module needs is in the module itself (modpost writes `depends` and `vermagic`), and
// libkmod reads it. So no modules.dep is wanted, which Debian's packages lack and build trees too,
// and only the modules that are chosen are opened.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct ModuleSet {
  std::vector<std::filesystem::path> files;  ///< in load order; maybe compressed
  std::vector<std::string> built_in;         ///< wishes that the kernel has without a module
  std::vector<std::string> absent;           ///< wishes that it does not have
};

/// The name that the kernel and modprobe(8) know a file by: "pvpanic-mmio.ko.xz" is "pvpanic_mmio".
/// Empty when the file is no module.
std::string module_name(const std::filesystem::path& file);

/// `folder` is what modules_install fills (/lib/modules/<release>) or a build tree; `release` is
/// the kernel's uname -r, empty when unknown. Nothing is written there. Fails with could_not_start
/// when a module is broken, lacks what it needs, or was built for another kernel. Thread-safe.
Expected<ModuleSet> choose_modules(const std::filesystem::path& folder,
                                   const std::vector<std::string>& wishes,
                                   const std::string& release);

}  // namespace nsgate::lab
