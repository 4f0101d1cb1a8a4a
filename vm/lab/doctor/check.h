// SPDX-License-Identifier: Apache-2.0
//
// One thing that `nsgate doctor` looked at.
#pragma once

#include <string>

namespace nsgate::lab {

struct Check {
  enum class Level {
    ok,
    warn,     ///< cells run without it; something else does not
    missing,  ///< no cell can run
  };
  Level level;
  std::string name;
  std::string said;
  std::string remedy{};  ///< empty where nothing has to be done
};

}  // namespace nsgate::lab
