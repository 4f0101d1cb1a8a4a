// SPDX-License-Identifier: Apache-2.0
//
// The tests of a payload, asked of the program itself on the host, before a guest boots: what the
// lab expects is known in advance, so that a test that never ran is missed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Full names ("Suite.Name") in the program's order, disabled tests left out. `filter` is a
/// GoogleTest filter, "*" for all.
/// Fails with could_not_start when the program cannot run here or lists nothing.
Expected<std::vector<std::string>> list_tests(const std::filesystem::path& program,
                                              const std::string& filter);

}  // namespace nsgate::lab
