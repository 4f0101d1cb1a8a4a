// SPDX-License-Identifier: Apache-2.0
//
// What a program needs beside itself in a guest that holds nothing else.
#pragma once

#include <filesystem>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// The dynamic loader and the shared libraries of `program`, as absolute paths, in the loader's
/// order, each at the path where the loader looks for it; the paths may be symbolic links. Empty
/// for a static program and for a file that is no program. A library that only the host's
/// /etc/ld.so.cache or LD_LIBRARY_PATH finds is missing, for a guest has neither.
/// Fails with could_not_start, naming the program and what it misses. Thread-safe.
Expected<std::vector<std::filesystem::path>> shared_libraries(const std::filesystem::path& program);

}  // namespace nsgate::lab
