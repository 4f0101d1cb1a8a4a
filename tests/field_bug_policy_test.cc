// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about policies: what a refusal is taken for. As in field_bug_threads_test.cc,
// each test holds the mistake and a check that finds it. What needs a security module runs under
// its profile of the lab, and in a form that does without one everywhere else.
//
// Not here, because the mistake was the kernel's: a reference that setns of a pidfd of an ending
// process lost (1c465d0518dc), what listns(2) showed too much of (8d76afe84fa2) and PIDFD_GET_INFO
// across PID namespaces (ab89060fbc92). Nothing in user space re-creates them; what a kernel with
// or without them answers is asserted in interface_setns_test.cc, interface_listns_test.cc and
// interface_pidfs_test.cc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <functional>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/policies.h"
#include "support/requirements.h"
#include "support/security_label.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

// ---- EPERM of a filter ----

using EnterPid = Ended (*)(pid_t pid);

Ended enter_by_core(pid_t pid) {
  return how_it_ended(in_netns(Target::process(pid), [] {}));
}

/// The mistake: only ENOSYS says that a system call is missing.
Ended enter_by_pidfd_unless_it_is_missing(pid_t pid) {
  const Fd process = pidfd_open(pid);
  if (!process && errno != ENOSYS) return refused(Stage::open, errno);
  const auto target = process ? Target::pidfd(process.get())
                              : Target::path("/proc/" + std::to_string(pid) + "/ns/net");
  return how_it_ended(in_netns(target, [] {}));
}

/// Where a filter answers to pidfd_open with this errno.
Ended enter_under_a_filter(int answer, EnterPid enter) {
  return answer_of_owner([=] {
    const ScratchNetns other;
    const int error = refuse_syscall(SYS_pidfd_open, answer);
    return error != 0 ? exited(error) : enter(other.pid());
  });
}

// opencontainers/runc#2151: libseccomp had no name for the new system call.
TEST(FieldBug, FilterThatDoesNotKnowANewSystemCallIsTakenForARefusal) {
  BEHAVIOUR("PP11");
  REQUIRES(own_netns);
  EXPECT_EQ(enter_under_a_filter(ENOSYS, &enter_by_pidfd_unless_it_is_missing), exited(0));
  EXPECT_EQ(enter_under_a_filter(EPERM, &enter_by_pidfd_unless_it_is_missing),
            refused(Stage::open, EPERM));
  EXPECT_EQ(enter_under_a_filter(EPERM, &enter_by_core), exited(0));
}

// ---- Namespaces that may not be made ----

enum class Outcome { entered, not_supported, disk_full, refused };
void PrintTo(Outcome outcome, std::ostream* out) {
  constexpr std::array names{"entered", "not supported", "disk full", "refused"};
  *out << names.at(static_cast<std::size_t>(outcome));
}

using EnterContainer = Outcome (*)(pid_t pid);

Outcome enter_container_by_core(pid_t pid) {
  const auto ended =
      exec_in_user_netns(UserTarget::process(pid), {.argv = {helper(), "exit", "0"}});
  return how_it_ended(ended) == exited(0) ? Outcome::entered : Outcome::refused;
}

/// The mistakes: whoever cannot make a user namespace could not enter one either; and ENOSPC has
/// but one meaning.
Outcome enter_container_where_they_can_be_made(pid_t pid) {
  const int error = answer_of_child([] { return error_of(::unshare(CLONE_NEWUSER)); });
  if (error == ENOSPC) return Outcome::disk_full;
  return error != 0 ? Outcome::not_supported : enter_container_by_core(pid);
}

/// A container that was there before its owner's user namespace got a limit of none. The limit is
/// that namespace's own (namespaces(7)).
Outcome enter_at_the_limit(EnterContainer enter) {
  return answer_of_child([=] {
    if (unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET) != 0) return Outcome::refused;
    const UserScratch container;
    const Fd limit(::open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC));
    if (::write(limit.get(), "0", 1) != 1) return Outcome::refused;
    return enter(container.pid());
  });
}

bool disk_has_room() {
  struct statvfs disk {};
  return ::statvfs("/tmp", &disk) == 0 && disk.f_bavail > 0;
}

// systemd/systemd#35311 and #35313, containers/bubblewrap#465, #371 and #764.
TEST(FieldBug, LimitOfUserNamespacesIsReportedAsAFullDisk) {
  BEHAVIOUR("PP02 UN16");
  REQUIRES(userns);
  EXPECT_TRUE(disk_has_room());
  EXPECT_EQ(enter_at_the_limit(&enter_container_where_they_can_be_made), Outcome::disk_full);
  EXPECT_EQ(enter_at_the_limit(&enter_container_by_core), Outcome::entered);
}

/// The same under a filter that answers as AppArmor does to unshare (EACCES).
Outcome enter_where_unshare_is_refused(EnterContainer enter) {
  return answer_of_child([=] {
    const UserScratch container;
    if (refuse_syscall(SYS_unshare, EACCES) != 0) return Outcome::refused;
    return enter(container.pid());
  });
}

// google/nsjail#236, youki-dev/youki#3298 and #2745, containerd/nerdctl#2847, docker/docs#19638,
// gominimal#610, actions/runner-images#11489.
TEST(FieldBug, PolicyAgainstNewUserNamespacesIsTakenForOneAgainstEntering) {
  BEHAVIOUR("UN16 PP04");
  REQUIRES(userns);
  EXPECT_EQ(enter_where_unshare_is_refused(&enter_container_where_they_can_be_made),
            Outcome::not_supported);
  EXPECT_EQ(enter_where_unshare_is_refused(&enter_container_by_core), Outcome::entered);
}

TEST(FieldBug, AppArmorAgainstNewUserNamespacesIsTakenForOneAgainstEntering) {
  BEHAVIOUR("PP04");
  REQUIRES(apparmor_userns);
  const ParkedProcess container([] {
    const int error = change_apparmor_profile("unconfined");
    return error != 0 ? error : unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
  });
  EXPECT_EQ(enter_container_where_they_can_be_made(container.pid()), Outcome::not_supported);
  EXPECT_EQ(enter_container_by_core(container.pid()), Outcome::entered);
}

// ---- Processes that may not be looked at ----

/// Why a process cannot be entered, as a user is told.
enum class Reason { none, other_user, no_access, no_namespace };
void PrintTo(Reason reason, std::ostream* out) {
  constexpr std::array names{"none", "another user's", "no access", "no namespace"};
  *out << names.at(static_cast<std::size_t>(reason));
}

using Explain = Reason (*)(pid_t pid);

uid_t uid_of(pid_t pid) {
  const auto directory = "/proc/" + std::to_string(pid);
  std::ifstream status(directory + "/status");
  std::string word;
  while (status >> word && word != "Uid:") {
  }
  uid_t uid = 0;
  if (status >> uid) return uid;
  // SELinux refuses the file, but not to look at its directory.
  struct stat owner {};
  return ::stat(directory.c_str(), &owner) == 0 ? owner.st_uid : 0;
}

/// The mistake: rights are a matter of uids.
Reason explain_by_uid(pid_t pid) {
  return uid_of(pid) == ::getuid() || ::getuid() == 0 ? Reason::none : Reason::other_user;
}

/// The mistake: a file that cannot be opened is not there.
Reason explain_by_file(pid_t pid) {
  const Fd file(::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  return file ? Reason::none : Reason::no_namespace;
}

Reason explain_by_core(pid_t pid) {
  const auto netns = Netns::open(Target::process(pid));
  if (netns) return Reason::none;
  return netns.error().code == EACCES ? Reason::no_access : Reason::no_namespace;
}

/// A process of the caller's own uid that is not dumpable. No security module is needed for it.
Reason explain_a_closed_process_of_the_same_user(Explain explain) {
  return answer_of_child([=] {
    const int error = become_unprivileged();
    if (error != 0) return Reason{-1};
    const ParkedProcess closed([] { return error_of(::prctl(PR_SET_DUMPABLE, 0)); });
    return explain(closed.pid());
  });
}

// containers/podman#26157, #22937 and #17840; slirp4netns#358 and #317.
TEST(FieldBug, ProcessOfTheSameUserIsSupposedToBeOpenToIt) {
  BEHAVIOUR("TR10");
  EXPECT_EQ(explain_a_closed_process_of_the_same_user(&explain_by_uid), Reason::none);
  EXPECT_EQ(explain_a_closed_process_of_the_same_user(&explain_by_file), Reason::no_namespace);
  EXPECT_EQ(explain_a_closed_process_of_the_same_user(&explain_by_core), Reason::no_access);
}

TEST(FieldBug, ProcessThatAppArmorClosesIsSupposedToBeOpen) {
  BEHAVIOUR("PP05");
  REQUIRES(apparmor_userns);
  const ParkedProcess closed([] { return change_apparmor_profile("nsgate-closed"); });
  EXPECT_EQ(explain_by_uid(closed.pid()), Reason::none);
  EXPECT_EQ(explain_by_core(closed.pid()), Reason::no_access);
}

TEST(FieldBug, ProcessOfAnotherSelinuxDomainIsSupposedToBeOpen) {
  BEHAVIOUR("PP13");
  REQUIRES(selinux);
  const ParkedProcess other(
      [] { return write_label("/proc/self/attr/current", "system_u:system_r:other_t"); });
  EXPECT_EQ(explain_by_uid(other.pid()), Reason::none);
  // 5.10.262 forgets the refusal and leads to the directory of the process (ptrace_access_test.cc).
  EXPECT_EQ(explain_by_core(other.pid()), on_this_kernel<Reason>({{{0, 0}, Reason::no_access},
                                                                  {{5, 10}, Reason::no_namespace},
                                                                  {{5, 11}, Reason::no_access}}));
}

}  // namespace
}  // namespace nsgate::test
