// SPDX-License-Identifier: Apache-2.0
#include "support/either_user.h"

#include <linux/capability.h>
#include <sched.h>
#include <unistd.h>

#include <system_error>

#include "support/capabilities.h"
#include "support/namespaces.h"

namespace nsgate::test {

int unshare_own(int more) {
  // Root of a container has not.
  const bool privileged = (current_capabilities().effective & capability(CAP_SYS_ADMIN)) != 0;
  return unshare_mapped((privileged ? 0 : CLONE_NEWUSER) | CLONE_NEWNET | more);
}

int become_unprivileged() {
  constexpr uid_t nobody = 65534;
  return ::geteuid() == 0 ? become_user(nobody) : 0;
}

namespace detail {

void must_unshare_own() {
  if (const int error = unshare_own(); error != 0) {
    throw std::system_error(error, std::generic_category(), "unshare in a child of the test");
  }
}

}  // namespace detail
}  // namespace nsgate::test
