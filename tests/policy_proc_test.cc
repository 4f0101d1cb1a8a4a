// SPDX-License-Identifier: Apache-2.0
//
// Entering where /proc hides other users' processes, or is not there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/policies.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// What a user without privileges is told of a process of root.
struct Hidden {
  int path;   // open of /proc/PID/ns/net
  int pidfd;  // setns of a pidfd
  Ended in_netns;
  friend bool operator==(const Hidden&, const Hidden&) = default;
};

void PrintTo(const Hidden& hidden, std::ostream* out) {
  *out << "open: " << hidden.path << ", setns of the pidfd: " << hidden.pidfd
       << ", in_netns: " << hidden.in_netns;
}

Hidden try_process(pid_t pid) {
  const auto path = "/proc/" + std::to_string(pid) + "/ns/net";
  return {error_of(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))),
          setns_error(pidfd_open(pid).get(), CLONE_NEWNET),
          how_it_ended(in_netns(Target::process(pid), [] {}))};
}

Hidden try_init() {
  return answer_of_child([] {
    become_unprivileged();
    return try_process(1);
  });
}

/// What that user is told who opens with this errno. Where the process is not to be seen, core
/// takes its pidfd to setns, which refuses as well.
Hidden told(int error) {
  const Ended by_path =
      error == ENOENT ? refused(Stage::setns_net, EPERM) : refused(Stage::open, error);
  // fs/pidfs.c: PIDFD_GET_NET_NAMESPACE since Linux 6.11 does not ask /proc.
  return {error, EPERM,
          on_this_kernel<Ended>({{{0, 0}, by_path}, {{6, 11}, refused(Stage::open, EACCES)}})};
}

/// What every level of hidepid leaves alone.
void expect_own_processes_are_entered() {
  const auto own = answer_of_owner([]() -> std::array<Ended, 2> {
    const UserScratch other;
    return {how_it_ended(in_netns(Target::process(other.pid()), [] {})),
            how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()),
                                            {.argv = {helper(), "exit", "0"}}))};
  });
  EXPECT_THAT(own, Each(exited(0)));
}

TEST(Policy, HidepidOfOneRefusesTheFilesOfOtherUsersWithEperm) {
  BEHAVIOUR("PP06");
  REQUIRES(hidepid_1);
  EXPECT_EQ(try_init(), told(EPERM));
  expect_own_processes_are_entered();
}

TEST(Policy, HidepidOfTwoHidesTheProcessesOfOtherUsers) {
  BEHAVIOUR("PP06 PP14");
  REQUIRES(hidepid_2);
  EXPECT_EQ(try_init(), told(ENOENT));
  expect_own_processes_are_entered();
}

TEST(Policy, HidepidOfFourHidesWhatMayNotBeTraced) {
  BEHAVIOUR("PP06 PP14");
  REQUIRES(hidepid_4);
  // fs/proc/base.c: proc_pid_lookup() says ENOENT, but does not run for a process that somebody who
  // may trace it has looked up before, such as init itself; proc_pid_permission() then says EPERM.
  EXPECT_EQ(try_init(), told(EPERM));
  expect_own_processes_are_entered();
}

/// For a child of root: another /proc, with these options.
int remount_proc(const char* options) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return errno;
  }
  return error_of(::mount("proc", "/proc", "proc", 0, options));
}

/// For a child of root: uid 65534 in this group.
int become_nobody_of(gid_t group) {
  constexpr uid_t nobody = 65534;
  if (::setgroups(1, &group) != 0 || ::setresgid(nobody, nobody, nobody) != 0) return errno;
  return error_of(::setresuid(nobody, nobody, nobody));
}

TEST(Policy, HidepidSparesTheMembersOfItsGroupExceptAtFour) {
  BEHAVIOUR("PP06");
  REQUIRES(root);
  REQUIRES(mounts);
  constexpr gid_t other = 4711;
  struct Row {
    const char* options;
    gid_t group;
    int expected;
  };
  // proc_pid(5): gid= is 0 by default.
  for (const auto& [options, group, expected] :
       {Row{"hidepid=0", other, EACCES}, Row{"hidepid=1", other, EPERM},
        Row{"hidepid=2", other, ENOENT}, Row{"hidepid=4", other, ENOENT},
        Row{"hidepid=1", 0, EACCES}, Row{"hidepid=2", 0, EACCES}, Row{"hidepid=4", 0, ENOENT},
        Row{"hidepid=2,gid=4711", other, EACCES}, Row{"hidepid=2,gid=4711", 0, ENOENT}}) {
    SCOPED_TRACE(std::string(options) + " for group " + std::to_string(group));
    const auto hidden = answer_of_child([&options = options, &group = group]() -> Hidden {
      if (const int error = remount_proc(options); error != 0) return {error, error, {}};
      if (const int error = become_nobody_of(group); error != 0) return {error, error, {}};
      return try_process(1);
    });
    EXPECT_EQ(hidden, told(expected));
  }
}

TEST(Policy, WithoutProcAProcessIsEnteredByItsPidfd) {
  BEHAVIOUR("PP08 TR30");
  REQUIRES(no_proc);
  const std::string program = helper();
  const auto marked = [] {
    const int own = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
    if (::unshare(own | CLONE_NEWNET) != 0) return errno;
    return rename_loopback("marked");
  };
  const ParkedProcess other(marked);

  const auto target = Target::process(other.pid());
  const auto thread = in_netns(target, [] { return ::if_nametoindex("marked") != 0; });
  if (::geteuid() == 0) {
    EXPECT_THAT(thread, IsOkAndHolds(true));
    EXPECT_THAT(exec_in_netns(target, {.argv = {program, "links"}}), Prints("marked\n"));
  } else {
    EXPECT_THAT(thread, FailsAt(Stage::setns_net, EPERM));
    // Joined; but whoever has no /proc writes no map of ids either.
    EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {program, "links"}}),
                FailsAt(Stage::credentials, EINVAL));
  }
  EXPECT_THAT(in_netns(Target::path("/proc/self/ns/net"), [] {}), FailsAt(Stage::open, ENOENT));
}

}  // namespace
}  // namespace nsgate::test
