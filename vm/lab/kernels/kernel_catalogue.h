// SPDX-License-Identifier: Apache-2.0
//
// The series of kernels that the lab knows, as kernels.toml describes them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Where to find the newest kernel of a series, and its parts in its packages.
struct KernelSeries {
  std::string name;
  std::string flavour;                       ///< "cloud", "standard", "rt"; for a person
  bool is_default = false;                   ///< meant where the user names no kernel
  std::vector<std::string> main_suites;      ///< of Debian's main archive
  std::vector<std::string> security_suites;  ///< of Debian's security archive
  std::string meta_package;                  ///< depends on the newest kernel
  std::string image_package_prefix;          ///< what follows it in the package's name is uname -r
  /// What the names of the kernel's other packages begin with; release and version are the same.
  std::vector<std::string> companion_prefixes{};
  std::string image;      ///< path in the package, with "{release}"
  std::string config{};   ///< likewise; empty: unknown
  std::string modules{};  ///< likewise, of the folder; empty: none

  /// REQUIRES: image_package begins with image_package_prefix.
  std::string release_of(const std::string& image_package) const;
  /// A path of the packages, such as `image`, for one release.
  static std::string at_release(const std::string& path, const std::string& release);
};

struct KernelCatalogue {
  std::vector<KernelSeries> series;  ///< in the order of the file
  std::vector<std::string>
      module_wishes;  ///< what guests get of any kernel's modules, if it has them
};

/// Fails with could_not_start, naming the file and the line.
Expected<KernelCatalogue> load_kernel_catalogue(const std::filesystem::path& file);

}  // namespace nsgate::lab
