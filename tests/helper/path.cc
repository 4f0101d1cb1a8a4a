// SPDX-License-Identifier: Apache-2.0
#include <sys/auxv.h>

#include <filesystem>
#include <system_error>

#include "helper.h"

namespace nsgate::test {

std::string helper() {
  std::error_code no_proc;
  auto program = std::filesystem::read_symlink("/proc/self/exe", no_proc);
  // How it was called, which guests do by a full path.
  if (no_proc) program = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return program.parent_path() / "nsgate_helper";
}

}  // namespace nsgate::test
