// SPDX-License-Identifier: Apache-2.0
//
// The policies of the profiles in vm/profiles.toml, as requirements: each is found by asking the
// kernel, never by asking who started the test.
//
//   REQUIRES(hidepid_2);
#pragma once

#include "support/requirements.h"

namespace nsgate::test {

/// user.max_user_namespaces=0
extern const Requirement userns_off;
/// kernel.unprivileged_userns_clone=0, of Debian's kernels
extern const Requirement userns_clone_0;
/// user.max_net_namespaces=0
extern const Requirement netns_limit_0;
/// The test is confined by vm/policy/apparmor-userns.profile.
extern const Requirement apparmor_userns;
/// kernel.apparmor_restrict_unprivileged_userns=1, of Ubuntu's kernels
extern const Requirement ubuntu_apparmor;
/// The test runs in the domain test_t of vm/policy/selinux.conf.
extern const Requirement selinux;
/// lockdown=integrity or more
extern const Requirement lockdown;
/// The test is in a Landlock domain that init is not in.
extern const Requirement landlock;
/// kernel.yama.ptrace_scope
extern const Requirement yama_0, yama_1, yama_2, yama_3;
/// The option of /proc
extern const Requirement hidepid_1, hidepid_2, hidepid_4;
extern const Requirement no_proc;
/// What setns(2) answers to a filter
extern const Requirement seccomp_setns_eperm, seccomp_setns_enosys, seccomp_setns_kill;
/// What pidfd_open(2) and clone3(2) answer to a filter
extern const Requirement seccomp_pidfd_eperm, seccomp_pidfd_enosys, seccomp_pidfd_kill;
/// RLIMIT_NPROC, RLIMIT_NOFILE and pids.max are 64.
extern const Requirement low_limits;
/// fs.suid_dumpable
extern const Requirement suid_dumpable_1, suid_dumpable_2;
/// The bounding set of Docker
extern const Requirement container_caps;

}  // namespace nsgate::test
