// SPDX-License-Identifier: Apache-2.0
//
// Gets one series at a time, as the lockfile says: from the cache, else from the mirror.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/apt_mirrors.h"
#include "lab/kernels/kernel.h"
#include "lab/kernels/kernel_cache.h"
#include "lab/kernels/kernel_catalogue.h"
#include "lab/kernels/kernel_lock.h"

namespace nsgate::lab {

struct AptPackage;
class KernelMirror;

/// Every Failure is could_not_start. Not thread-safe; several processes may share one cache.
class KernelFetcher {
 public:
  struct Options {
    std::filesystem::path lockfile;
    std::filesystem::path cache;
    std::filesystem::path keyring;
    bool offline;
    std::vector<std::string> module_wishes{};
  };
  using Progress = std::function<void(std::string_view)>;
  struct Look {
    Kernel kernel;  ///< without a package_version when neither lockfile nor cache knows the series
    bool cached;    ///< ready to boot without the network
  };

  static Expected<KernelFetcher> open(Options options, Progress progress);

  /// What obtain() would give without the network. Changes nothing.
  Expected<Look> look(const std::string& series) const;

  /// The pinned "package=version" for a message, or in words that there is none.
  std::string wanted(const std::string& series) const;

  /// The pinned kernel. When that has left the mirror, the newest of its series stands in for it,
  /// until the lockfile pins another.
  Expected<Kernel> obtain(const KernelSeries& series);

  /// The newest kernel of the series, put into the cache; pinned only by pin().
  Expected<LockedKernel> newest(const KernelSeries& series);

  /// Rewrites the lockfile; the answer is what these kernels now are.
  Expected<std::vector<Kernel>> pin(const std::vector<LockedKernel>& kernels);

 private:
  KernelFetcher(Options options, Progress progress, KernelLock lock);

  Kernel kernel_of(const LockedKernel& locked, const StoredKernel& stored) const;
  Expected<std::optional<Kernel>> look_in_cache(const std::string& series, Stamps stamps) const;
  Expected<KernelMirror> ask_mirror(const KernelSeries& series);
  Expected<LockedKernel> take(const KernelMirror& mirror,
                              const std::vector<AptPackage>& packages) const;
  Expected<Kernel> kept(const LockedKernel& kernel) const;
  void say_downloading(const KernelSeries& series, const std::vector<AptPackage>& packages) const;

  Options options_;
  Progress progress_;
  KernelLock lock_;
  KernelCache cache_;
  std::optional<AptMirrors> mirrors_;  ///< asked once, and only when something has to be fetched
};

}  // namespace nsgate::lab
