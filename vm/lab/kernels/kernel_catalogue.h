// SPDX-License-Identifier: Apache-2.0
//
// The series of kernels that the lab knows, as kernels.toml describes them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Where to find the newest kernel of a series, and the image in its package.
struct KernelSeries {
  std::string name;
  std::vector<std::string> main_suites;      ///< of Debian's main archive
  std::vector<std::string> security_suites;  ///< of Debian's security archive
  std::string meta_package;                  ///< depends on the newest kernel
  std::string image_package_prefix;          ///< what follows it in the package's name is uname -r
  std::string image;                         ///< path in the package, with "{release}"

  /// REQUIRES: image_package begins with image_package_prefix.
  std::string release_of(const std::string& image_package) const;
  std::string image_of(const std::string& image_package) const;
};

/// In the order of the file. Fails with could_not_start, naming the file and the line.
Expected<std::vector<KernelSeries>> load_kernel_catalogue(const std::filesystem::path& file);

}  // namespace nsgate::lab
