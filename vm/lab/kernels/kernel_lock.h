// SPDX-License-Identifier: Apache-2.0
//
// The lockfile: which kernel of each series was meant, to the byte. `nsgate kernel update` writes
// it and nothing else does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// One Debian package.
struct LockedPackage {
  std::string package;
  std::string version;
  std::string architecture;
  std::string suite;   ///< where it was seen, for a person
  std::uint64_t size;  ///< of the .deb, in bytes
  std::string sha256;  ///< of the .deb

  /// As apt-get takes it: "package=version".
  std::string id() const { return package + "=" + version; }
  friend bool operator==(const LockedPackage&, const LockedPackage&) = default;
};

/// A kernel and all packages that it is made of.
struct LockedKernel {
  std::string series;
  std::string release;  ///< as uname -r will say
  std::string image_sha256;
  std::vector<LockedPackage> packages;  ///< never empty; the first holds the image

  const LockedPackage& main() const { return packages.front(); }
  std::string id() const { return main().id(); }
  friend bool operator==(const LockedKernel&, const LockedKernel&) = default;
};

/// Not thread-safe.
class KernelLock {
 public:
  /// A file that does not exist is an empty lock. Fails with could_not_start, naming the file and
  /// the line or the series, when it is not what save() writes.
  static Expected<KernelLock> load(const std::filesystem::path& file);

  /// Replaces the file in one step.
  Expected<void> save(const std::filesystem::path& file) const;

  /// nullptr when the series is not pinned.
  const LockedKernel* find(const std::string& series) const;
  void set(LockedKernel kernel);

 private:
  std::vector<LockedKernel> kernels_;
};

}  // namespace nsgate::lab
