// SPDX-License-Identifier: Apache-2.0
//
// The one place that knows mmdebstrap(1).
//
//   auto arguments = mmdebstrap_command(recipe, mirrors, keyring, root_tar);
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/kernels/apt_mirrors.h"
#include "lab/userlands/userland_catalogue.h"

namespace nsgate::lab {

/// Where the tar that mmdebstrap makes names the packages in it, a "name version" a line.
inline constexpr const char* package_list_name = "nsgate-packages";

/// How it may work as this user: "root" for root, else "unshare", which needs uidmap and ranges in
/// /etc/subuid and /etc/subgid.
std::string mmdebstrap_mode(unsigned uid);

/// Makes the tar. Packages are extracted only, and no script of theirs is run, so that it does not
/// matter whether this machine could run them. apt believes only what the keys in `keyring` signed.
std::vector<std::string> mmdebstrap_command(const std::string& program,
                                            const UserlandRecipe& recipe, const AptMirrors& mirrors,
                                            const std::filesystem::path& keyring,
                                            const std::string& mode,
                                            const std::filesystem::path& tar);

/// Runs it. Fails with could_not_start and mmdebstrap's own words.
Expected<void> run_mmdebstrap(const std::vector<std::string>& command);

}  // namespace nsgate::lab
