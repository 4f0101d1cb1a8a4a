// SPDX-License-Identifier: Apache-2.0
#include "support/mounts.h"

#include <sched.h>
#include <sys/mount.h>

#include "support/child_process.h"
#include "support/either_user.h"

namespace nsgate::test {
namespace {

bool probe_mounts() {
  return answer_of_child([] {
    return unshare_own(CLONE_NEWNS) == 0 &&
           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  });
}

}  // namespace

const Requirement mounts{"mounts", "free to mount, as root or in a user namespace", &probe_mounts};

}  // namespace nsgate::test
