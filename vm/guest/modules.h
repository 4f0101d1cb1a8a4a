// SPDX-License-Identifier: Apache-2.0
//
// Loads the kernel's modules that the lab chose and put into the image. There is no modprobe here:
// the plan has them uncompressed and in the order in which they need each other.
//
//   load_modules(plan.modules);
#pragma once

#include <string>
#include <vector>

namespace nsgate::guest {

/// finit_module(2) for each. One that is there already (EEXIST) is fine; at any other failure it
/// gives up with the module's name, since tests that need it would tell of a kernel without it.
void load_modules(const std::vector<std::string>& files);

}  // namespace nsgate::guest
