// SPDX-License-Identifier: Apache-2.0
//
// What a Debian mirror offers of one series of kernels.
//
//   auto mirror = KernelMirror::open(series, mirrors, keyring, folder);
//   auto taken = mirror->take(*mirror->newest(), {"veth"});
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/apt_mirrors.h"
#include "lab/kernels/apt_root.h"
#include "lab/kernels/kernel_catalogue.h"
#include "lab/kernels/kernel_lock.h"

namespace nsgate::lab {

/// Every Failure is could_not_start. Not thread-safe.
class KernelMirror {
 public:
  /// The image's package, then its companions in the series' order.
  using Packages = std::vector<AptPackage>;

  /// A kernel folder (kernel_folder.h) in the folder given to open(), and all that a lockfile says
  /// of it.
  struct Taken {
    LockedKernel kernel;
    std::filesystem::path folder;
  };

  /// Fetches the indexes of the series' suites. The folder is emptied first and removed with this.
  static Expected<KernelMirror> open(KernelSeries series, const AptMirrors& mirrors,
                                     const std::filesystem::path& keyring,
                                     const std::filesystem::path& folder);

  /// The packages of the newest kernel.
  Expected<Packages> newest() const;

  /// The packages of a lockfile, or nothing when one has left the mirror. The same version with
  /// another size or hash is a failure.
  Expected<std::optional<Packages>> find(const LockedKernel& pinned) const;

  /// Downloads and unpacks; the files must be what the signed index says, and the image a kernel of
  /// the release that its package is named for. Of the modules those are kept that are wished for,
  /// with all that they need.
  Expected<Taken> take(const Packages& packages, const std::vector<std::string>& wishes) const;

 private:
  KernelMirror(KernelSeries series, AptRoot root, std::filesystem::path folder)
      : series_(std::move(series)), root_(std::move(root)), folder_(std::move(folder)) {}

  Expected<AptPackage> newest_image() const;
  Expected<void> unpack(const AptPackage& package, const std::string& release) const;
  std::filesystem::path unpacked() const { return folder_ / "unpacked"; }

  KernelSeries series_;
  AptRoot root_;
  std::filesystem::path folder_;
};

}  // namespace nsgate::lab
