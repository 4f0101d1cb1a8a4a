// SPDX-License-Identifier: Apache-2.0
//
// The kernels of a run that names none: those that kernels.toml marks `default`, in its order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Fails with could_not_start, naming the file and the line. Thread-safe.
Expected<std::vector<std::string>> default_kernels(const std::filesystem::path& catalogue);

}  // namespace nsgate::lab
