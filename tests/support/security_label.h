// SPDX-License-Identifier: Apache-2.0
//
// Changes of the label that a security module goes by, under the profiles that let the test change
// it (vm/policy/).
//
//   const ParkedProcess unconfined([] { return change_apparmor_profile("unconfined"); });
#pragma once

#include <string>

namespace nsgate::test {

/// Writes to a file of /proc/self/attr, which is about the calling thread. Returns 0 or an errno.
int write_label(const char* file, const std::string& text);
/// Of the calling thread. Returns 0 or an errno.
int change_apparmor_profile(const std::string& name);

}  // namespace nsgate::test
