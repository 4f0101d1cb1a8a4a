// SPDX-License-Identifier: Apache-2.0
//
// The knobs of the kernel that profiles turn; see knob.h.
#pragma once

#include "guest/knob.h"

namespace nsgate::guest {

// machine_knobs.cc
Lacking set_sysctl(const std::string& value);
Lacking change_proc(const std::string& value);
Lacking check_lockdown(const std::string& value);

// limit_knobs.cc
Lacking check_rlimit(const std::string& value);
FailedStep limit_process(const std::string& value);
Lacking make_cgroup(const std::string& value);
FailedStep enter_cgroup(const std::string& value);
Lacking check_capabilities(const std::string& value);
FailedStep bound_capabilities(const std::string& value);

// sandbox_knobs.cc
Lacking check_seccomp(const std::string& value);
FailedStep filter_system_calls(const std::string& value);
Lacking check_landlock(const std::string& value);
FailedStep enter_landlock(const std::string& value);

// module_knobs.cc
Lacking check_apparmor_feature(const std::string& value);
Lacking load_apparmor_policy(const std::string& value);
Lacking check_apparmor_profile(const std::string& value);
FailedStep enter_apparmor_profile(const std::string& value);
Lacking load_selinux_policy(const std::string& value);
Lacking check_selinux_domain(const std::string& value);
FailedStep enter_selinux_domain(const std::string& value);

/// "kernel.yama.ptrace_scope=1"
inline constexpr Knob sysctl_knob{"sysctl", &set_sysctl, nullptr};
/// "none", or mount options of proc(5), of which hidepid is known: "hidepid=2"
inline constexpr Knob proc_knob{"proc", &change_proc, nullptr};
/// "integrity" or "confidentiality", which the kernel's command line has set (kernel_lockdown(7))
inline constexpr Knob lockdown_knob{"lockdown", &check_lockdown, nullptr};
/// "eperm setns", "kill pidfd_open clone3": see system_call_filter.h
inline constexpr Knob seccomp_knob{"seccomp", &check_seccomp, &filter_system_calls};
/// "execute": a domain that may execute everything (landlock(7))
inline constexpr Knob landlock_knob{"landlock", &check_landlock, &enter_landlock};
/// "nproc=64", "nofile=64"
inline constexpr Knob rlimit_knob{"rlimit", &check_rlimit, &limit_process};
/// "pids.max=64": a file of a control group (version 2) for the tests
inline constexpr Knob cgroup_knob{"cgroup", &make_cgroup, &enter_cgroup};
/// "chown,kill": the capabilities that stay in the bounding set, without CAP_ (capabilities(7))
inline constexpr Knob bounding_knob{"bounding", &check_capabilities, &bound_capabilities};

/// "namespaces/mask=userns_create": a word in a file of AppArmor's features
inline constexpr Knob apparmor_feature_knob{"apparmor_feature", &check_apparmor_feature, nullptr};
/// A compiled policy in /nsgate/policy
inline constexpr Knob apparmor_policy_knob{"apparmor_policy", &load_apparmor_policy, nullptr};
/// The profile that confines the tests
inline constexpr Knob apparmor_profile_knob{"apparmor_profile", &check_apparmor_profile,
                                            &enter_apparmor_profile};
/// A compiled policy in /nsgate/policy, which is enforced from then on
inline constexpr Knob selinux_policy_knob{"selinux_policy", &load_selinux_policy, nullptr};
/// The type that the tests have, such as test_t
inline constexpr Knob selinux_domain_knob{"selinux_domain", &check_selinux_domain,
                                          &enter_selinux_domain};

}  // namespace nsgate::guest
