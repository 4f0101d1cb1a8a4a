// SPDX-License-Identifier: Apache-2.0
//
// Security modules are asked about a new user namespace since Linux 6.1. What one that refuses does
// is in policy_modules_test.cc.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "support/kernel.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// The kernel's functions that ask security modules; none where /proc/kallsyms shows no names.
std::set<std::string> hooks() {
  std::set<std::string> names;
  std::ifstream symbols("/proc/kallsyms");
  for (std::string address, kind, name; symbols >> address >> kind >> name;) {
    if (name.starts_with("security_")) names.insert(name);
    symbols.ignore(1000, '\n');
  }
  return names;
}

TEST(SecurityModule, IsAskedAboutAUserNamespaceSinceLinux61) {
  BEHAVIOUR("AP13");
  const auto names = hooks();
  // Linux has always asked about a new task. CONFIG_SECURITY and CONFIG_KALLSYMS.
  const bool shown = names.contains("security_task_alloc");
  // 7cd4c5c2101c "security, lsm: Introduce security_create_user_ns()", Linux 6.1.
  EXPECT_EQ(names.contains("security_create_user_ns"),
            shown && running_kernel() >= (KernelVersion{6, 1}));
}

}  // namespace
}  // namespace nsgate::test
