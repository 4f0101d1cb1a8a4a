// SPDX-License-Identifier: Apache-2.0
//
// The kernels of a run that names none: Debian's cloud kernels, oldest first.
#pragma once

#include <string>
#include <vector>

namespace nsgate::lab {

inline std::vector<std::string> default_kernels() { return {"5.10", "6.1", "6.12", "sid"}; }

}  // namespace nsgate::lab
