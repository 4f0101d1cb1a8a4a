// SPDX-License-Identifier: Apache-2.0
//
// Reaching a process's namespaces is a question of ptrace(2) access: one cause, an errno for each
// way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <ostream>
#include <string>

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// include/uapi/linux/pidfd.h, since Linux 6.11; the system's header may be older.
constexpr unsigned long pidfd_get_net_namespace = _IO(0xFF, 4);

int result_of(long returned) { return returned >= 0 ? 0 : errno; }

/// Without opening its files, which the test's user may be refused.
Fd pidfd_of(const ParkedProcess& process) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid(), 0)));
}

int open_path(pid_t pid) {
  const Fd fd(::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  return result_of(fd.get());
}

/// In namespaces of the caller's.
int unshare_with_dumpable(int dumpable) {
  if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) return error;
  return result_of(::prctl(PR_SET_DUMPABLE, dumpable));
}

/// A process of uid 1000 in a network namespace that root made.
int move_uid_1000_to_a_netns_of_root() {
  if (const int error = unshare_mapped(CLONE_NEWNET); error != 0) return error;
  return become_user(1000);
}

/// How an entry ends that the file of a process refuses.
Ended refused_by_file() {
  const Ended rule = refused(Stage::open, EACCES);
  // The directory that holds the file belongs to root when the process is not dumpable (proc(5)).
  if (::geteuid() != 0) return rule;
  // 5.10.262 has "proc: protect ptrace_may_access() with exec_update_lock (part 1)" in a form that
  // forgets -EACCES in proc_ns_get_link(): the link then leads to that directory, which is no
  // namespace.
  return on_this_kernel<Ended>(
      {{{0, 0}, rule}, {{5, 10}, refused(Stage::open, EINVAL)}, {{5, 11}, rule}});
}

/// One process by every way that leads to its namespaces, for its owner without capabilities.
struct Ways {
  Ended in_netns;
  Ended exec_in_user_netns;
  int pidfd_get;
  int setns_of_pidfd;
  friend bool operator==(const Ways&, const Ways&) = default;
};

void PrintTo(const Ways& ways, std::ostream* out) {
  *out << "in_netns: " << ways.in_netns << "; exec_in_user_netns: " << ways.exec_in_user_netns
       << "; PIDFD_GET_NET_NAMESPACE: " << ways.pidfd_get
       << "; setns of the pidfd: " << ways.setns_of_pidfd;
}

Ways try_ways(const ParkedProcess& process) {
  const Fd pidfd = pidfd_of(process);
  return answer_of_child([&]() -> Ways {
    if (const int error = keep_capabilities(0); error != 0) {
      return {exited(error), exited(error), error, error};
    }
    return {how_it_ended(in_netns(Target::process(process.pid()), [] {})),
            how_it_ended(exec_in_user_netns(UserTarget::process(process.pid()), no_program)),
            result_of(::ioctl(pidfd.get(), pidfd_get_net_namespace, 0)),
            result_of(::setns(pidfd.get(), CLONE_NEWUSER | CLONE_NEWNET))};
  });
}

TEST(Netns, OneRefusalIsEaccesAtOpenAndEpermAtSetnsOfAPidfd) {
  BEHAVIOUR("CP04");
  REQUIRES(userns);
  const ParkedProcess open_to_its_owner([] { return unshare_with_dumpable(1); });
  const ParkedProcess closed([] { return unshare_with_dumpable(0); });

  // fs/pidfs.c: PIDFD_GET_NET_NAMESPACE since Linux 6.11.
  EXPECT_EQ(try_ways(open_to_its_owner),
            (Ways{refused(Stage::setns_net, EPERM), entered,
                  on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, 0}}), 0}));
  EXPECT_EQ(try_ways(closed),
            (Ways{refused_by_file(), refused_by_file(),
                  on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, EACCES}}), EPERM}));
}

struct OpenAndPidfd {
  Ended in_netns;
  int setns_of_pidfd;
  friend bool operator==(const OpenAndPidfd&, const OpenAndPidfd&) = default;
};

void PrintTo(const OpenAndPidfd& ways, std::ostream* out) {
  *out << "in_netns: " << ways.in_netns << "; setns of the pidfd: " << ways.setns_of_pidfd;
}

TEST(Netns, OpenAsksForTheFsuidAndSetnsOfAPidfdForTheRealUid) {
  BEHAVIOUR("CP05");
  REQUIRES(root);
  const ParkedProcess other(&move_uid_1000_to_a_netns_of_root);
  const Fd pidfd = pidfd_of(other);
  struct Ids {
    uid_t real;
    uid_t effective;  // the fsuid follows it (setfsuid(2))
  };
  // CAP_SYS_ADMIN, so that ptrace access alone decides.
  const auto as = [&](Ids ids) {
    return answer_of_child([&]() -> OpenAndPidfd {
      if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setresgid(1000, 1000, 1000) != 0 ||
          ::setresuid(ids.real, ids.effective, ids.effective) != 0 ||
          keep_capabilities(capability(CAP_SYS_ADMIN)) != 0) {
        return {exited(errno), errno};
      }
      return {how_it_ended(in_netns(Target::process(other.pid()), [] {})),
              result_of(::setns(pidfd.get(), CLONE_NEWNET))};
    });
  };

  EXPECT_EQ(as({.real = 1001, .effective = 1000}), (OpenAndPidfd{exited(0), EPERM}));
  EXPECT_EQ(as({.real = 1000, .effective = 1001}), (OpenAndPidfd{refused(Stage::open, EACCES), 0}));
}

TEST(Netns, YamaRestrictsTakingADescriptorButNotANamespace) {
  BEHAVIOUR("CP06");
  REQUIRES(userns);
  int scope = 0;  // as without Yama
  std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
  const Fd inherited(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const ParkedProcess plain([] { return keep_capabilities(0); });
  const Fd pidfd = pidfd_of(plain);
  const ParkedProcess own([] { return unshare_with_dumpable(1); });

  // In a child, because Yama lets an ancestor do what it likes.
  const auto errors = answer_of_child([&]() -> std::array<int, 2> {
    if (const int error = keep_capabilities(0); error != 0) return {error, error};
    return {open_path(plain.pid()),
            result_of(::syscall(SYS_pidfd_getfd, pidfd.get(), inherited.get(), 0))};
  });
  const Ways ways = try_ways(own);

  // Documentation/admin-guide/LSM/Yama.rst: every scope but 0 restricts PTRACE_MODE_ATTACH.
  EXPECT_THAT(errors, ElementsAre(0, scope == 0 ? 0 : EPERM));
  EXPECT_EQ(ways.exec_in_user_netns, entered);
  EXPECT_EQ(ways.setns_of_pidfd, 0);
}

TEST(InNetns, WithoutCapSysPtraceABindMountIsReachableWhereThePathOfAPidIsNot) {
  BEHAVIOUR("CP07");
  REQUIRES(root);
  REQUIRES(mounts);
  const ParkedProcess other(&move_uid_1000_to_a_netns_of_root);
  const ScratchDirectory directory;
  const auto mounted = directory.file("net", "");
  struct Answer {
    std::array<Ended, 2> of_pid;
    std::array<Ended, 2> of_mount;
  };
  const auto enter = [](const Target& target) -> std::array<Ended, 2> {
    return {how_it_ended(in_netns(target, [] {})), how_it_ended(exec_in_netns(target, no_program))};
  };

  const auto answer = answer_of_child([&]() -> Answer {
    const auto source = "/proc/" + std::to_string(other.pid()) + "/ns/net";
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(source.c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        drop_capability(CAP_SYS_PTRACE) != 0) {
      return {{exited(errno), exited(errno)}, {exited(errno), exited(errno)}};
    }
    return {enter(Target::process(other.pid())), enter(Target::path(mounted))};
  });

  EXPECT_THAT(answer.of_pid, Each(refused_by_file()));
  EXPECT_THAT(answer.of_mount, ElementsAre(exited(0), entered));
}

}  // namespace
}  // namespace nsgate::test
