// SPDX-License-Identifier: Apache-2.0
#include "support/own_rights.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "nsgate/fd.h"
#include "support/child_process.h"

namespace nsgate::test {
namespace {

Fd own_netns_file() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

}  // namespace

bool may_reenter_own_netns() {
  return answer_of_child([] { return ::setns(own_netns_file().get(), CLONE_NEWNET) == 0; });
}

bool sees_owner_of_own_netns() {
  return static_cast<bool>(Fd(::ioctl(own_netns_file().get(), NS_GET_USERNS)));
}

}  // namespace nsgate::test
