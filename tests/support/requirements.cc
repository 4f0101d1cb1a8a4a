// SPDX-License-Identifier: Apache-2.0
#include "support/requirements.h"

#include <linux/capability.h>
#include <sched.h>
#include <unistd.h>

#include "support/capabilities.h"
#include "support/child_process.h"
#include "support/either_user.h"
#include "support/initial_userns.h"
#include "support/namespaces.h"
#include "support/thread_sanitizer.h"

namespace nsgate::test {
namespace {

// Each does the thing once in a child: capability bits alone do not decide it.
bool probe_root() {
  return ::geteuid() == 0 && in_initial_userns() &&
         (current_capabilities().effective & capability(CAP_SYS_ADMIN)) != 0 &&
         answer_of_child([] { return unshare_mapped(CLONE_NEWNET); }) == 0;
}

bool probe_rootless() {
  return ::geteuid() != 0 && current_capabilities().permitted == 0 &&
         answer_of_child([] { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); }) == 0;
}

bool probe_userns() {
  constexpr int flags = CLONE_NEWUSER | CLONE_NEWNET;
  // A policy may let root alone.
  const auto as_other = [] {
    const int error = ::geteuid() == 0 ? become_user(1000) : 0;
    return error != 0 ? error : unshare_mapped(flags);
  };
  return answer_of_child([] { return unshare_mapped(flags); }) == 0 &&
         answer_of_child(as_other) == 0;
}

bool probe_own_netns() {
  return answer_of_child([] { return unshare_own(); }) == 0;
}

bool probe_unsanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(NSGATE_THREAD_SANITIZER)
  return false;
#else
  return true;
#endif
}

bool probe_no_tsan() {
#ifdef NSGATE_THREAD_SANITIZER
  return false;
#else
  return true;
#endif
}

}  // namespace

const Requirement root{"root", "uid 0 of the initial user namespace, with CAP_SYS_ADMIN",
                       &probe_root};
const Requirement rootless{"rootless",
                           "a uid other than 0, without capabilities, free to make user namespaces",
                           &probe_rootless};
const Requirement userns{"userns", "free to make user namespaces, and network namespaces in them",
                         &probe_userns};
const Requirement own_netns{"own_netns",
                            "free to make network namespaces, as root or in a user namespace",
                            &probe_own_netns};

const Requirement unsanitized{"unsanitized", "a build without sanitizers", &probe_unsanitized};
const Requirement no_tsan{"no_tsan", "a build without ThreadSanitizer", &probe_no_tsan};

std::optional<std::string> unmet(const Requirement& requirement) {
  if (requirement.probe()) return std::nullopt;
  return std::string("needs ") + requirement.id + ": " + requirement.reason;
}

}  // namespace nsgate::test
