// SPDX-License-Identifier: Apache-2.0
//
// A kernel that is ready to boot: where it came from and where its image lies.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nsgate::lab {

struct Kernel {
  std::string name;     ///< what selects it: a series of kernels.toml ("6.1"), or the path given
  std::string release;  ///< as uname -r will say ("6.1.0-56-cloud-amd64"); empty when unknown
  std::string package_version;     ///< Debian's ("6.1.192-1"); empty for a kernel of the user's own
  std::filesystem::path image;     ///< bzImage, or a vmlinux with a PVH entry point
  std::string image_sha256;        ///< of the image, in hex
  std::filesystem::path config{};  ///< its .config, as text; empty when unknown
  /// Uncompressed modules in the order in which init has to load them; empty where all that the
  /// lab wants is built in.
  std::vector<std::filesystem::path> modules{};
  /// Modules that the lab would load and this kernel does not have, neither as a file nor built in.
  std::vector<std::string> absent_modules{};
  std::string flavour{};  ///< Debian's ("cloud", "standard", "rt"); empty for the user's own
  /// Empty for a kernel that the lockfile pins (or that the user brought); otherwise why this is
  /// another version, such as "unpinned: 6.1.190-1 has left the mirror; run nsgate kernel update".
  std::string unpinned;
};

}  // namespace nsgate::lab
