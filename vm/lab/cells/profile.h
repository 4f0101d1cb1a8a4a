// SPDX-License-Identifier: Apache-2.0
//
// What a profile of profiles.toml promises to the tests of one user.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "frame/plan.h"
#include "lab/base/failure.h"

namespace nsgate::lab {

inline constexpr const char* default_profile = "debian-default";

/// The ids of the requirements that the profile does not meet for this user. Fails with
/// could_not_start, naming the file and what it lacks.
Expected<std::set<std::string>> unmet_requirements(const std::filesystem::path& file,
                                                   const std::string& profile, frame::User user);

}  // namespace nsgate::lab
