// SPDX-License-Identifier: Apache-2.0
//
// Takes one file out of a Debian package without installing it and without dpkg.
//
//   extract_from_deb("linux-image-….deb", "boot/vmlinuz-6.1.0-56-cloud-amd64", "vmlinuz");
#pragma once

#include <filesystem>
#include <string>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// `member` is a regular file's path in the package, without a leading "/" or "./". The output is
/// synced to disk; on failure, a full disk included, none is left behind.
/// Fails with could_not_start, naming package and member. Thread-safe.
Expected<void> extract_from_deb(const std::filesystem::path& deb, const std::string& member,
                                const std::filesystem::path& output);

}  // namespace nsgate::lab
