// SPDX-License-Identifier: Apache-2.0
//
// What a Debian mirror offers of one series of kernels.
//
//   auto mirror = KernelMirror::open(series, mirrors, keyring, folder);
//   auto taken = mirror->take(*mirror->newest());
#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "lab/base/failure.h"
#include "lab/kernels/apt_mirrors.h"
#include "lab/kernels/apt_root.h"
#include "lab/kernels/kernel_catalogue.h"
#include "lab/kernels/kernel_lock.h"

namespace nsgate::lab {

/// Every Failure is could_not_start. Not thread-safe.
class KernelMirror {
 public:
  /// An image in the folder given to open(), and all that a lockfile says of it.
  struct Taken {
    LockedKernel kernel;
    std::filesystem::path image;
  };

  /// Fetches the indexes of the series' suites. The folder is emptied first and removed with this.
  static Expected<KernelMirror> open(KernelSeries series, const AptMirrors& mirrors,
                                     const std::filesystem::path& keyring,
                                     const std::filesystem::path& folder);

  /// The package that holds the newest image.
  Expected<AptPackage> newest() const;

  /// The package of a lockfile, or nothing when it has left the mirror. The same version with
  /// another size or hash is a failure.
  Expected<std::optional<AptPackage>> find(const LockedKernel& pinned) const;

  /// Downloads and unpacks; the file must be what the signed index says, and the image a kernel of
  /// the release that its package is named for.
  Expected<Taken> take(const AptPackage& package) const;

 private:
  KernelMirror(KernelSeries series, AptRoot root, std::filesystem::path folder)
      : series_(std::move(series)), root_(std::move(root)), folder_(std::move(folder)) {}

  KernelSeries series_;
  AptRoot root_;
  std::filesystem::path folder_;
};

}  // namespace nsgate::lab
