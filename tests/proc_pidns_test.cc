// SPDX-License-Identifier: Apache-2.0
//
// A pid means what it means in the caller's pid namespace, whatever the /proc that the caller sees
// was mounted for.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// A sibling with this pid in the caller's pid namespace, in a network namespace of its own.
/// Killed with the namespace's init, which the caller is.
int park_as(pid_t pid) {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) return errno;
  clone_args how{};
  how.exit_signal = SIGCHLD;
  how.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
  how.set_tid_size = 1;
  const auto made = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
  if (made < 0) return errno;
  if (made == 0) {
    const int error = error_of(::unshare(CLONE_NEWNET));
    [[maybe_unused]] const auto sent = ::write(ready[1], &error, sizeof error);
    for (;;) ::pause();
  }
  int error = EIO;
  [[maybe_unused]] const auto got = ::read(ready[0], &error, sizeof error);
  ::close(ready[0]);
  ::close(ready[1]);
  return error;
}

struct Seen {
  int prepared;
  NamespaceId outside;  // of the process that has the pid outside
  NamespaceId inside;   // of the one that has it inside
  NamespaceId by_path, by_pidfd, by_process, by_target_pidfd;
  int error;  // of by_process
};

/// Who `pid` is to the init of a fresh pid namespace. `prepare` is its mount of /proc.
template <typename F>
Seen who_is_it(F prepare) {
  return answer_of_owner([&] {
    const ScratchNetns outside;
    const pid_t pid = outside.pid();
    Seen seen{};
    seen.outside = outside.id();
    if (::unshare(CLONE_NEWPID) != 0) {
      seen.prepared = errno;
      return seen;
    }
    return answer_of_child([&] {
      Seen answer = seen;
      answer.prepared = park_as(pid);
      if (answer.prepared == 0) answer.prepared = prepare();
      if (answer.prepared != 0) return answer;
      const auto reached = [](const Fd& fd) {
        return answer_of_child([&] {
          return setns_error(fd.get(), CLONE_NEWNET) == 0 ? current_netns() : NamespaceId{};
        });
      };
      const auto file = "/proc/" + std::to_string(pid) + "/ns/net";
      const Fd by_path(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
      const Fd pidfd = pidfd_open(pid);
      answer.by_path = by_path ? id_of(by_path) : NamespaceId{};
      answer.by_pidfd = reached(pidfd);
      answer.inside = answer.by_pidfd;
      const auto by_process = in_netns(Target::process(pid), current_netns);
      answer.by_process = by_process.value_or(NamespaceId{});
      answer.error = by_process ? 0 : by_process.error().code;
      answer.by_target_pidfd =
          in_netns(Target::pidfd(pidfd.get()), current_netns).value_or(NamespaceId{});
      return answer;
    });
  });
}

TEST(Target, PidIsTheCallersOwnWhereProcIsOfAnotherPidNamespace) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);

  const auto seen = who_is_it([] { return 0; });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.by_path, seen.outside);
  EXPECT_NE(seen.by_pidfd, seen.outside);
  EXPECT_NE(seen.by_pidfd, NamespaceId{});
  EXPECT_EQ(seen.by_target_pidfd, seen.by_pidfd);
  EXPECT_EQ(seen.by_process, seen.by_pidfd);
}

// What a kernel before 6.11 is asked for on every kernel.
TEST(Target, PidIsTheCallersOwnWhereProcIsOfAnotherPidNamespaceAndPidfdsHaveNoIoctls) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);

  const auto seen = who_is_it([] { return refuse_syscall(SYS_ioctl, ENOSYS); });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.by_path, seen.outside);
  EXPECT_NE(seen.by_process, seen.outside);
  EXPECT_EQ(seen.by_process, seen.by_pidfd);
  EXPECT_EQ(seen.by_target_pidfd, seen.by_pidfd);
}

TEST(Target, PidIsTheCallersOwnWhereItMayNotAskByASignal) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);

  const auto seen = who_is_it([] {
    const int refused = refuse_syscall(SYS_pidfd_send_signal, EPERM);
    return refused != 0 ? refused : refuse_syscall(SYS_ioctl, ENOSYS);
  });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.by_path, seen.outside);
  EXPECT_NE(seen.by_process, seen.outside);
  EXPECT_EQ(seen.by_process, seen.by_pidfd);
}

TEST(Target, PidIsNobodyWhereProcIsOfAnotherPidNamespaceAndThereAreNoPidfds) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);

  const auto seen = who_is_it([] { return refuse_syscall(SYS_pidfd_open, ENOSYS); });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.by_path, seen.outside);
  EXPECT_EQ(seen.error, ENOSYS);
}

TEST(Target, PidIsTheCallersOwnWhereProcIsToo) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);
  REQUIRES(mounts);

  const auto seen = who_is_it([] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return errno;
    }
    return error_of(::mount("proc", "/proc", "proc", 0, nullptr));
  });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_NE(seen.by_path, seen.outside);
  EXPECT_EQ(seen.by_path, seen.by_pidfd);
  EXPECT_EQ(seen.by_process, seen.by_pidfd);
  EXPECT_EQ(seen.by_target_pidfd, seen.by_pidfd);
}

struct SeenFromAbove {
  int prepared;
  NamespaceId own;
  NamespaceId by_path, by_process;
};

/// Who has the pid of `own`'s process to a caller whose /proc is that of a pid namespace below,
/// after `prepare`.
template <typename F>
SeenFromAbove who_is_it_from_above(F prepare) {
  return answer_of_owner([&] {
    const ScratchNetns own;
    const pid_t pid = own.pid();
    SeenFromAbove seen{};
    seen.own = own.id();
    const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      seen.prepared = errno;
      return seen;
    }
    // Not by the caller, whose threads would be of the pid namespace below: pthread_create fails.
    const ParkedProcess parent([&] {
      if (::unshare(CLONE_NEWPID) != 0) return errno;
      static const ParkedProcess init([&] {
        const int error = park_as(pid);
        return error != 0 ? error : error_of(::mount("proc", "/proc", "proc", 0, nullptr));
      });
      return 0;
    });
    seen.prepared = prepare();
    const auto id_in = [&](const Fd& directory, const std::string& file) {
      const Fd fd(::openat(directory.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
      return fd ? id_of(fd) : NamespaceId{};
    };
    const auto file = std::to_string(pid) + "/ns/net";
    seen.by_path = id_in(Fd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)), file);
    seen.by_process = in_netns(Target::process(pid), [&] {
                        return id_in(proc, "thread-self/ns/net");
                      }).value_or(NamespaceId{});
    return seen;
  });
}

TEST(Target, PidIsTheCallersOwnWhereProcIsOfAPidNamespaceBelow) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);
  REQUIRES(mounts);

  const auto seen = who_is_it_from_above([] { return refuse_syscall(SYS_ioctl, ENOSYS); });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_NE(seen.by_path, NamespaceId{});
  EXPECT_NE(seen.by_path, seen.own);
  EXPECT_EQ(seen.by_process, seen.own);
}

TEST(Target, PidIsNobodyWhereProcIsOfAPidNamespaceBelowAndThereAreNoPidfds) {
  BEHAVIOUR("TR31");
  REQUIRES(own_netns);
  REQUIRES(mounts);

  const auto seen = who_is_it_from_above([] { return refuse_syscall(SYS_pidfd_open, ENOSYS); });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_NE(seen.by_path, seen.own);
  EXPECT_EQ(seen.by_process, NamespaceId{});
}

}  // namespace
}  // namespace nsgate::test
