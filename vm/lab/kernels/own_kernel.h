// SPDX-License-Identifier: Apache-2.0
//
// A kernel of the user's own, in the form in which it was built or packaged:
//
//   bzImage     config and modules are looked for where a build tree or /boot has them
//   vmlinux     likewise; booted by its PVH note
//   build tree  arch/x86/boot/bzImage, .config, and the modules that modules.order lists
//   .deb        linux-image-*.deb; several of one kernel with commas between: a.deb,b.deb
//   folder      laid out like /: boot/vmlinuz-*, boot/config-*, lib/modules/*
//
//   OwnKernels own(cache / "own", {"veth"}, say);
//   auto kernel = own.prepare("~/linux", {});   // ready to boot
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/kernel.h"

namespace nsgate::lab {

/// What goes before what is found. Empty: found by itself.
struct OwnKernelOptions {
  std::filesystem::path modules;  ///< INSTALL_MOD_PATH, a lib/modules/<release>, or a build tree
  std::filesystem::path config;   ///< a .config
};

/// A name with a slash is none of the catalogue.
bool is_own_kernel(const std::string& name);

/// Nothing is written beside the user's files. Thread-safe; several processes may share one cache.
class OwnKernels {
 public:
  /// `cache` holds one folder for each path that was prepared: the kernel of a .deb, modules as
  /// they are loaded, a config that the image carried. It is made anew when the user's files
  /// changed.
  OwnKernels(std::filesystem::path cache, std::vector<std::string> module_wishes,
             std::function<void(std::string_view)> progress)
      : cache_(std::move(cache)),
        wishes_(std::move(module_wishes)),
        progress_(std::move(progress)) {}

  /// Fails with could_not_start, naming the file and the remedy.
  Expected<Kernel> prepare(const std::string& name, const OwnKernelOptions& options) const;

 private:
  std::filesystem::path cache_;
  std::vector<std::string> wishes_;
  std::function<void(std::string_view)> progress_;
};

}  // namespace nsgate::lab
