// SPDX-License-Identifier: Apache-2.0
//
// The userlands that the lab knows, as userlands.toml describes them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// How a userland is made.
struct UserlandRecipe {
  std::string name;
  std::string suite;                    ///< of Debian's main archive; empty: nothing is laid there
  std::string security_suite{};         ///< of Debian's security archive; empty: there is none
  std::vector<std::string> packages{};  ///< besides what they depend on
  std::vector<std::string> excluded{};  ///< folders and files that are left out
  std::vector<std::string> unmet{};     ///< requirements of tests
};

/// In the order of the file. Fails with could_not_start, naming the file and the line.
Expected<std::vector<UserlandRecipe>> load_userland_catalogue(const std::filesystem::path& file);

}  // namespace nsgate::lab
