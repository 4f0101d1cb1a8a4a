// SPDX-License-Identifier: Apache-2.0
//
// The policies under which guests run the tests: profiles.toml.
//
//   const auto profiles = load_profiles("vm/profiles.toml");
//   const auto profile = find_profile(*profiles, "hidepid-2");   // in *profile
//   profile->settings;                        // for the plan: the guest applies and verifies them
//   profile->unmet(frame::User::rootless);    // for the verdict: the only reasons to skip a test
//
// A test of a policy has a requirement named after it ("hidepid-2"), which a profile lists in
// `meets`. Whatever one profile meets, every other one that does not say so leaves unmet; so a new
// profile changes none of the others.
//
// Errors name the file and, where there is one, the line. Thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "frame/plan.h"
#include "lab/base/failure.h"

namespace nsgate::lab {

inline constexpr const char* default_profile = "debian-default";

struct Profile {
  std::string name;         ///< letters, digits and `-`: names cells and folders
  std::string description;  ///< one line
  std::string kernel_arguments;
  std::vector<frame::Setting> settings;  ///< in the order in which the guest applies them
  std::vector<std::string> config;       ///< options without which a kernel cannot apply it
  std::vector<std::string> files;        ///< of vm/policy, for /nsgate/policy in the guest
  std::string filter;                    ///< GoogleTest filter of the tests promised under it
  /// The ids of the requirements that it leaves unmet for a user, the policies of other profiles
  /// included.
  std::map<frame::User, std::set<std::string>> unmet_by_user;

  const std::set<std::string>& unmet(frame::User user) const { return unmet_by_user.at(user); }
};

/// In the order of the file. Fails with could_not_start: a key that is missing or unknown, a value
/// of the wrong kind, a setting without kind or value, a name twice.
Expected<std::vector<Profile>> load_profiles(const std::filesystem::path& file);

/// The profile of that name. Fails with could_not_start, naming those that there are.
Expected<Profile> find_profile(const std::vector<Profile>& profiles, std::string_view name);

}  // namespace nsgate::lab
