// SPDX-License-Identifier: Apache-2.0
//
// The kernels that the lab can boot: the series of kernels.toml, pinned by kernels.lock.json and
// kept in a cache, or one of the user's own (own_kernel.h).
//
//   auto store = KernelStore::open(options, [](std::string_view text) { spdlog::info(text); });
//   auto kernels = store->fetch({"5.10", "6.12-rt", "./bzImage"});
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/kernel.h"
#include "lab/kernels/kernel_catalogue.h"
#include "lab/kernels/kernel_fetcher.h"
#include "lab/kernels/own_kernel.h"

namespace nsgate::lab {

/// Not thread-safe; several processes may share one cache.
class KernelStore {
 public:
  struct Options {
    std::filesystem::path catalogue;  ///< kernels.toml
    std::filesystem::path lockfile;   ///< kernels.lock.json
    std::filesystem::path cache;      ///< created when needed
    bool offline = false;             ///< never use the network
    OwnKernelOptions own{};           ///< for every kernel of the user's own
    /// Whose signatures are believed.
    std::filesystem::path keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  };
  /// Told, for a person, what is being done: "6.1: downloading linux-image-…".
  using Progress = KernelFetcher::Progress;
  using Listed = KernelFetcher::Look;

  static Expected<KernelStore> open(Options options, Progress progress);

  /// The series of the catalogue, oldest first.
  const std::vector<std::string>& names() const { return names_; }

  /// Those that the catalogue marks as default: what is booted where the user names none.
  std::vector<std::string> default_names() const;

  /// The whole catalogue, without the network. Changes nothing.
  Expected<std::vector<Listed>> list() const;

  /// Makes all these kernels ready to boot. A name of the catalogue is fetched unless the cache has
  /// it, and verified against the lock; a name with a slash is a kernel of the user's own.
  /// Fails with could_not_start and a list of everything that is missing, not just the first.
  Expected<std::vector<Kernel>> fetch(const std::vector<std::string>& names);

  /// Pins the newest of these series, all or none, and makes them ready to boot.
  Expected<std::vector<Kernel>> update(const std::vector<std::string>& names);

 private:
  KernelStore(KernelCatalogue catalogue, Options options, KernelFetcher fetcher, Progress progress);

  Expected<const KernelSeries*> find_series(const std::string& name) const;
  Expected<std::map<std::string, Kernel>> prepare_own(const std::vector<std::string>& names) const;

  /// Adds what only the catalogue knows.
  Kernel complete(Kernel kernel) const;

  KernelCatalogue catalogue_;
  std::vector<std::string> names_;
  Options options_;
  KernelFetcher fetcher_;
  OwnKernels own_;
};

}  // namespace nsgate::lab
