// SPDX-License-Identifier: Apache-2.0
//
// Takes files out of a Debian package without installing it and without dpkg.
//
//   unpack_deb("linux-image-….deb", folder, [](std::string_view member) {
//     return member.starts_with("boot/");
//   });                                            // folder/boot/vmlinuz-6.1.0-56-cloud-amd64, …
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Writes the regular files that are wanted (of links it takes none) under their paths in the
/// package, which are told without a leading "/" or "./"; a path that leads out of the folder is a
/// failure. A file that could not be written whole, for a full disk say, is not left behind.
/// Fails with could_not_start, naming the package. Thread-safe.
Expected<void> unpack_deb(const std::filesystem::path& deb, const std::filesystem::path& folder,
                          const std::function<bool(std::string_view member)>& wanted);

}  // namespace nsgate::lab
