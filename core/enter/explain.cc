// SPDX-License-Identifier: Apache-2.0
#include "enter/explain.h"

#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "nsgate/fd.h"
#include "nsgate/netns.h"

namespace nsgate::enter {
namespace {

bool has_sys_admin() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2]{};
  ::syscall(SYS_capget, &header, data);
  return (data[0].effective & (1u << CAP_SYS_ADMIN)) != 0;
}

/// How the target can be entered.
std::string what_works(const Request& request) {
  if (const auto net = Netns::open(request.net); net && request.plan) {
    const JoinStep step{net->fd(), CLONE_NEWNET, Stage::setns_net};
    if (can_join({&step, 1})) return "it would work without --user";
  }
  for (const Plan plan : {Plan::automatic, Plan::one_shot, Plan::owner_aware, Plan::sequential}) {
    const auto both = UserNetns::open(request.both, plan);
    if (!both || plan == request.plan || !can_join(both->steps())) continue;
    return (plan == Plan::automatic ? "--user" : "--plan " + std::string(to_string(plan))) +
           " would work";
  }
  return "no plan would work";
}

/// Which right is missing (netns_install and userns_install in the kernel's
/// net/core/net_namespace.c and kernel/user_namespace.c).
std::string missing_right(const Request& request) {
  if (!has_sys_admin() && !request.plan) {
    return "CAP_SYS_ADMIN is missing in your own user namespace";
  }
  const auto net = Netns::open(request.net);
  const Fd owner(net ? ::ioctl(net->fd(), NS_GET_USERNS) : -1);
  if (net && !owner && errno == EPERM) {
    return "its owner is a user namespace that is neither yours nor below yours";
  }
  uid_t uid = 0;
  if (owner && ::ioctl(owner.get(), NS_GET_OWNER_UID, &uid) == 0) {
    return "CAP_SYS_ADMIN is missing in the user namespace that owns it, which is of uid " +
           std::to_string(uid);
  }
  return "CAP_SYS_ADMIN is missing in the user namespace that owns it";
}

}  // namespace

bool can_join(std::span<const JoinStep> steps) {
  // Ignored, as by some parents of ours, it would leave nobody to wait for.
  const auto before = ::signal(SIGCHLD, SIG_DFL);
  const pid_t child = ::fork();
  if (child == 0) {
    for (const auto& step : steps) {
      if (::setns(step.fd, step.types) != 0) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = -1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::signal(SIGCHLD, before);
  return child > 0 && status == 0;
}

std::string explain_refusal(const Request& request) {
  return missing_right(request) + "; " + what_works(request);
}

std::string explain(const Request& request, const Error& error) {
  if (error.stage == Stage::open && error.code == EACCES) {
    return "the process is another user's or not dumpable, and CAP_SYS_PTRACE is missing in its "
           "user namespace";
  }
  if (error.stage == Stage::credentials && error.code == EINVAL) {
    return "--preserve-credentials enters as nobody, without capabilities";
  }
  const bool refused = error.stage == Stage::setns_net || error.stage == Stage::setns_user ||
                       error.stage == Stage::setns_both;
  if (!refused || error.code != EPERM || !error.note.empty()) return {};
  return explain_refusal(request);
}

}  // namespace nsgate::enter
