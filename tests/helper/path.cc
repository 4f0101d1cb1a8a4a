// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "helper.h"

namespace nsgate::test {

std::string helper() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "nsgate_helper";
}

}  // namespace nsgate::test
