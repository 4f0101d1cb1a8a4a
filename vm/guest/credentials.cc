// SPDX-License-Identifier: Apache-2.0
#include "guest/credentials.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nsgate::guest {
namespace {

const char* verify_no_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return "capget";
  errno = 0;
  for (const auto& set : sets) {
    if ((set.effective | set.permitted | set.inheritable) != 0) {
      return "a capability outlived setresuid";
    }
  }
  // Beyond the last capability of the kernel the answer is -1 with EINVAL.
  for (unsigned long capability = 0;; ++capability) {
    const int raised = ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
    if (raised < 0) return capability == 0 ? "prctl PR_CAP_AMBIENT_IS_SET" : nullptr;
    errno = 0;
    if (raised > 0) return "an ambient capability outlived setresuid";
  }
}

}  // namespace

const char* become(frame::User user) {
  if (user == frame::User::root) return nullptr;
  constexpr auto id = static_cast<unsigned>(frame::rootless_id);
  if (::setgroups(0, nullptr) != 0) return "setgroups";
  if (::setresgid(id, id, id) != 0) return "setresgid";
  if (::setresuid(id, id, id) != 0) return "setresuid";
  return verify_no_capabilities();
}

}  // namespace nsgate::guest
