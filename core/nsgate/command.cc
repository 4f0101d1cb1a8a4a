// SPDX-License-Identifier: Apache-2.0
#include "nsgate/command.h"

#include <cerrno>

namespace nsgate {

int exit_code(const Result<Finished>& ended) {
  if (!ended) {
    if (ended.error().stage != Stage::exec || ended.error().code == 0) return 125;
    return ended.error().code == ENOENT ? 127 : 126;
  }
  struct {
    int operator()(Exited exited) const { return exited.code; }
    int operator()(Signaled signaled) const { return 128 + signaled.signal; }
    int operator()(Unknown) const { return 125; }
  } code;
  return std::visit(code, ended->how);
}

}  // namespace nsgate
