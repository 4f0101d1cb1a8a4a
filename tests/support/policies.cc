// SPDX-License-Identifier: Apache-2.0
#include "support/policies.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "support/capabilities.h"
#include "support/child_process.h"
#include "support/either_user.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// Without the newline or NUL at its end; empty when there is no such file.
std::string content(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  // A security module that does not run answers EINVAL.
  for (char c = 0; file.get(c);) text += c;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

bool sysctl_is(const std::string& name, const std::string& value) {
  return content("/proc/sys/" + name) == value;
}

bool label_is(const char* file, const std::string& label) { return content(file) == label; }

bool proc_has(const std::string& option) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" / /proc ") != line.npos) return line.find(option) != line.npos;
  }
  return false;
}

/// What a call with arguments that the kernel refuses with EBADF or EINVAL does in a child: an
/// errno, or minus the signal.
int answer_to(long number) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const long returned = ::syscall(number, -1, 0);
    ::_exit(error_of(returned));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool limit_is(__rlimit_resource_t resource, rlim_t value) {
  rlimit limit{};
  return ::getrlimit(resource, &limit) == 0 && limit.rlim_max == value;
}

bool probe_low_limits() {
  const auto group = content("/proc/self/cgroup");
  const auto path = group.substr(group.rfind(':') + 1);
  return limit_is(RLIMIT_NPROC, 64) && limit_is(RLIMIT_NOFILE, 64) &&
         content("/sys/fs/cgroup" + path + "/pids.max") == "64";
}

bool probe_landlock() {
  // A domain that restricts files forbids mounting, even to the owner of the mounts (landlock(7)).
  return answer_of_child([] {
    if (unshare_own(CLONE_NEWNS) != 0) return false;
    return error_of(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) == EPERM;
  });
}

bool probe_container_caps() {
  constexpr auto dockers =
      capability(CAP_CHOWN) | capability(CAP_DAC_OVERRIDE) | capability(CAP_FSETID) |
      capability(CAP_FOWNER) | capability(CAP_MKNOD) | capability(CAP_NET_RAW) |
      capability(CAP_SETGID) | capability(CAP_SETUID) | capability(CAP_SETFCAP) |
      capability(CAP_SETPCAP) | capability(CAP_NET_BIND_SERVICE) | capability(CAP_SYS_CHROOT) |
      capability(CAP_KILL) | capability(CAP_AUDIT_WRITE);
  return current_capabilities().bounding == dockers;
}

}  // namespace

const Requirement userns_off{"userns-off", "user.max_user_namespaces=0",
                             [] { return sysctl_is("user/max_user_namespaces", "0"); }};
const Requirement userns_clone_0{"userns-clone-0", "kernel.unprivileged_userns_clone=0",
                                 [] { return sysctl_is("kernel/unprivileged_userns_clone", "0"); }};
const Requirement netns_limit_0{"netns-limit-0", "user.max_net_namespaces=0",
                                [] { return sysctl_is("user/max_net_namespaces", "0"); }};

const Requirement apparmor_userns{
    "apparmor-userns", "the AppArmor profile nsgate-no-userns",
    [] { return label_is("/proc/self/attr/apparmor/current", "nsgate-no-userns (enforce)"); }};
const Requirement ubuntu_apparmor{
    "ubuntu-apparmor", "kernel.apparmor_restrict_unprivileged_userns=1",
    [] { return sysctl_is("kernel/apparmor_restrict_unprivileged_userns", "1"); }};
const Requirement selinux{"selinux", "the SELinux domain test_t", [] {
                            return label_is("/proc/self/attr/current", "system_u:system_r:test_t");
                          }};
const Requirement lockdown{"lockdown", "lockdown=integrity or confidentiality", [] {
                             const auto state = content("/sys/kernel/security/lockdown");
                             return !state.empty() && state.find("[none]") == state.npos;
                           }};
const Requirement landlock{"landlock", "a Landlock domain", &probe_landlock};

const Requirement yama_0{"yama-0", "kernel.yama.ptrace_scope=0",
                         [] { return sysctl_is("kernel/yama/ptrace_scope", "0"); }};
const Requirement yama_1{"yama-1", "kernel.yama.ptrace_scope=1",
                         [] { return sysctl_is("kernel/yama/ptrace_scope", "1"); }};
const Requirement yama_2{"yama-2", "kernel.yama.ptrace_scope=2",
                         [] { return sysctl_is("kernel/yama/ptrace_scope", "2"); }};
const Requirement yama_3{"yama-3", "kernel.yama.ptrace_scope=3",
                         [] { return sysctl_is("kernel/yama/ptrace_scope", "3"); }};

// fs/proc/root.c shows hidepid by name since Linux 5.8.
const Requirement hidepid_1{"hidepid-1", "/proc with hidepid=1",
                            [] { return proc_has("hidepid=noaccess"); }};
const Requirement hidepid_2{"hidepid-2", "/proc with hidepid=2",
                            [] { return proc_has("hidepid=invisible"); }};
const Requirement hidepid_4{"hidepid-4", "/proc with hidepid=4",
                            [] { return proc_has("hidepid=ptraceable"); }};
const Requirement no_proc{"no-proc", "no /proc", [] { return ::access("/proc/self", F_OK) != 0; }};

const Requirement seccomp_setns_eperm{"seccomp-setns-eperm", "a filter: EPERM for setns",
                                      [] { return answer_to(SYS_setns) == EPERM; }};
const Requirement seccomp_setns_enosys{"seccomp-setns-enosys", "a filter: ENOSYS for setns",
                                       [] { return answer_to(SYS_setns) == ENOSYS; }};
const Requirement seccomp_setns_kill{"seccomp-setns-kill", "a filter that kills at setns",
                                     [] { return answer_to(SYS_setns) == -SIGSYS; }};
const Requirement seccomp_pidfd_eperm{
    "seccomp-pidfd-eperm", "a filter: EPERM for pidfd_open and clone3",
    [] { return answer_to(SYS_pidfd_open) == EPERM && answer_to(SYS_clone3) == EPERM; }};
const Requirement seccomp_pidfd_enosys{
    "seccomp-pidfd-enosys", "a filter: ENOSYS for pidfd_open and clone3",
    [] { return answer_to(SYS_pidfd_open) == ENOSYS && answer_to(SYS_clone3) == ENOSYS; }};
const Requirement seccomp_pidfd_kill{
    "seccomp-pidfd-kill", "a filter that kills at pidfd_open and clone3",
    [] { return answer_to(SYS_pidfd_open) == -SIGSYS && answer_to(SYS_clone3) == -SIGSYS; }};

const Requirement low_limits{"low-limits", "RLIMIT_NPROC, RLIMIT_NOFILE and pids.max of 64",
                             &probe_low_limits};
const Requirement suid_dumpable_1{"suid-dumpable-1", "fs.suid_dumpable=1",
                                  [] { return sysctl_is("fs/suid_dumpable", "1"); }};
const Requirement suid_dumpable_2{"suid-dumpable-2", "fs.suid_dumpable=2",
                                  [] { return sysctl_is("fs/suid_dumpable", "2"); }};
const Requirement container_caps{"container-caps", "the bounding set of Docker",
                                 &probe_container_caps};

}  // namespace nsgate::test
