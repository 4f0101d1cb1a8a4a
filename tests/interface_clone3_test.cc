// SPDX-License-Identifier: Apache-2.0
//
// Flags that only clone3(2) takes, by the release that brought them. Core makes its children by
// clone(2), and needs none.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <string>

#include "support/clone3.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/newer_interfaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

// torvalds/linux include/uapi/linux/sched.h; 5bf5f6362167, c5bbfc58db1a, 288c8ebbbaa2.
bool has_reaping_flags() { return running_kernel() >= KernelVersion{7, 1}; }
int error_or(int error) { return has_reaping_flags() ? error : EINVAL; }

/// A pipe whose far end is held by a child, to be told of its end by end of file.
struct Gate {
  Gate() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
  /// For a child: waits until the other side is closed.
  void pass() {
    write.reset();
    char byte = 0;
    while (::read(read.get(), &byte, 1) < 0 && errno == EINTR) {
    }
  }
  Fd read;
  Fd write;
};

struct Exit {
  int error;  ///< ETIME: it did not come
  int status;
};
/// Of a process that nobody waits for; the kernel reaps it a moment after its end.
Exit exit_of(const Fd& process) {
  constexpr std::chrono::seconds patience(30);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    PidfdInfo info{};
    info.mask = pidfd_info_exit;
    if (::ioctl(process.get(), pidfd_get_info, &info) != 0) return {errno, 0};
    if ((info.mask & pidfd_info_exit) != 0) return {0, info.exit_code};
    pollfd reaped{process.get(), 0, 0};
    ::poll(&reaped, 1, 10);
  }
  return {ETIME, 0};
}

struct Ending {
  int made;  ///< 0 or the errno of clone3
  int waited;
  int status;
};

TEST(Clone3, ClearsSignalHandlersSinceLinux55) {
  BEHAVIOUR("AP33 EX16");
  const auto seen = answer_of_child([] {
    ::signal(SIGUSR1, [](int) {});
    ::signal(SIGUSR2, SIG_IGN);
    const auto handled = [] {
      const bool reset = ::signal(SIGUSR1, SIG_DFL) == SIG_DFL;
      // What is ignored stays so (clone(2)).
      const bool ignored = ::signal(SIGUSR2, SIG_DFL) == SIG_IGN;
      return (reset ? 1 : 0) + (ignored ? 2 : 0);
    };
    std::array<Ending, 2> endings{};
    for (const bool clear : {false, true}) {
      clone_args how{};
      how.flags = clear ? CLONE_CLEAR_SIGHAND : 0;
      how.exit_signal = SIGCHLD;
      Ending& ending = endings[clear ? 1 : 0];
      const pid_t pid = clone3(how, handled);
      ending.made = error_of(pid);
      if (pid > 0) ending.waited = error_of(::waitpid(pid, &ending.status, 0));
    }
    return endings;
  });

  EXPECT_EQ(seen[0].made, 0);
  EXPECT_EQ(WEXITSTATUS(seen[0].status), 2);
  EXPECT_EQ(seen[1].made, on_this_kernel<int>({{{0, 0}, EINVAL}, {{5, 5}, 0}}));
  EXPECT_EQ(WEXITSTATUS(seen[1].status), 3);
}

TEST(Clone3, RefusesACgroupThatIsNone) {
  BEHAVIOUR("AP33");
  const auto errors = answer_of_child([] {
    clone_args how{};
    how.flags = CLONE_INTO_CGROUP;
    how.exit_signal = SIGCHLD;
    const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    how.cgroup = 1000;
    const int closed = error_of(clone3(how, [] { return 0; }));
    how.cgroup = static_cast<std::uint64_t>(file.get());
    return std::array{closed, error_of(clone3(how, [] { return 0; }))};
  });
  // clone(2): CLONE_INTO_CGROUP since Linux 5.7.
  EXPECT_EQ(errors[0], on_this_kernel<int>({{{0, 0}, EINVAL}, {{5, 7}, EBADF}}));
  EXPECT_EQ(errors[1], on_this_kernel<int>({{{0, 0}, EINVAL}, {{5, 7}, EBADF}}));
}

TEST(Clone3, ChildIsBornInAnotherCgroupSinceLinux57) {
  BEHAVIOUR("AP33 EX16");
  REQUIRES(root);
  REQUIRES(mounts);
  struct Seen {
    int prepared, made;
    bool inside;
    int removed;
  };
  const auto group = "nsgate-" + std::to_string(::getpid());

  const auto seen = answer_of_child([&] {
    Seen answer{};
    const std::string path = "/tmp/" + group;
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/tmp", "cgroup2", 0, nullptr) != 0 || ::mkdir(path.c_str(), 0755) != 0) {
      answer.prepared = errno;
      return answer;
    }
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    clone_args how{};
    how.flags = CLONE_INTO_CGROUP;
    how.exit_signal = SIGCHLD;
    how.cgroup = static_cast<std::uint64_t>(directory.get());
    const pid_t pid = clone3(how, [&] {
      std::ifstream file("/proc/self/cgroup");
      for (std::string line; std::getline(file, line);) {
        if (line.starts_with("0::") && line.ends_with("/" + group)) return 1;
      }
      return 0;
    });
    answer.made = error_of(pid);
    int status = 0;
    if (pid > 0) ::waitpid(pid, &status, 0);
    answer.inside = WEXITSTATUS(status) == 1;
    answer.removed = error_of(::rmdir(path.c_str()));
    return answer;
  });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.made, on_this_kernel<int>({{{0, 0}, EINVAL}, {{5, 7}, 0}}));
  EXPECT_TRUE(seen.inside);
  EXPECT_EQ(seen.removed, 0);
}

TEST(Clone3, ChildThatReapsItselfLeavesItsExitWithThePidfdSinceLinux71) {
  BEHAVIOUR("AP29");
  struct Seen {
    Ending ending;
    Exit end;
  };

  const auto seen = answer_of_child([] {
    Seen answer{};
    int pidfd = -1;
    clone_args how{};
    how.flags = clone_autoreap | CLONE_PIDFD;
    how.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    const pid_t pid = clone3(how, [] { return 7; });
    answer.ending.made = error_of(pid);
    if (pid < 0) return answer;
    const Fd process(pidfd);
    answer.end = exit_of(process);
    answer.ending.waited = error_of(::waitpid(pid, &answer.ending.status, __WALL));
    return answer;
  });

  EXPECT_EQ(seen.ending.made, error_or(0));
  if (!has_reaping_flags()) return;
  EXPECT_EQ(seen.ending.waited, ECHILD);
  EXPECT_EQ(seen.end.error, 0);
  EXPECT_EQ(WEXITSTATUS(seen.end.status), 7);
}

TEST(Clone3, ChildIsBornWithoutNewPrivilegesSinceLinux71) {
  BEHAVIOUR("AP29");
  struct Seen {
    Ending ending;
    int callers;
  };

  const auto seen = answer_of_child([] {
    Seen answer{};
    clone_args how{};
    how.flags = clone_nnp;
    how.exit_signal = SIGCHLD;
    const int before = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    const pid_t pid = clone3(how, [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); });
    answer.ending.made = error_of(pid);
    if (pid > 0) answer.ending.waited = error_of(::waitpid(pid, &answer.ending.status, 0));
    answer.callers = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) - before;
    return answer;
  });

  EXPECT_EQ(seen.ending.made, error_or(0));
  EXPECT_EQ(WEXITSTATUS(seen.ending.status), has_reaping_flags() ? 1 : 0);
  EXPECT_EQ(seen.callers, 0);
}

TEST(Clone3, ChildDiesWithItsPidfdSinceLinux71) {
  BEHAVIOUR("AP29");
  struct Seen {
    int made, alone;
    Exit end;
  };

  const auto seen = answer_of_child([] {
    Seen answer{};
    int pidfd = -1;
    clone_args how{};
    how.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    how.flags = clone_pidfd_autokill | CLONE_PIDFD;
    how.exit_signal = SIGCHLD;
    answer.alone = error_of(clone3(how, [] { return 0; }));
    how.exit_signal = 0;
    // Without CAP_SYS_ADMIN the child has to be without new privileges.
    how.flags |= clone_autoreap | clone_nnp;
    const pid_t pid = clone3(how, [] {
      for (;;) ::pause();
      return 0;
    });
    answer.made = error_of(pid);
    if (pid < 0) return answer;
    // A pidfd of one's own, whose end kills nobody.
    const Fd process = pidfd_open(pid);
    ::close(pidfd);
    answer.end = exit_of(process);
    return answer;
  });

  EXPECT_EQ(seen.alone, EINVAL);
  EXPECT_EQ(seen.made, error_or(0));
  if (!has_reaping_flags()) return;
  EXPECT_EQ(seen.end.error, 0);
  EXPECT_TRUE(WIFSIGNALED(seen.end.status));
  EXPECT_EQ(WTERMSIG(seen.end.status), SIGKILL);
}

/// Mounts in the namespace of a file; -1 where it does not tell.
int mounts_in(const Fd& file) {
  MountNamespaceInfo told{};
  return ::ioctl(file.get(), ns_mnt_get_info, &told) == 0 ? static_cast<int>(told.mounts) : -1;
}

struct EmptyMounts {
  int by_unshare, by_clone3;
  int mounts, child_mounts;
  bool proc;
  int writing;
};

TEST(Clone3, MountNamespaceIsBornEmptySinceLinux71) {
  BEHAVIOUR("AP30");
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    EmptyMounts answer{};
    answer.mounts = answer.child_mounts = -1;
    Gate gate;
    clone_args how{};
    how.flags = clone_empty_mntns | CLONE_NEWNS;
    how.exit_signal = SIGCHLD;
    const pid_t pid = clone3(how, [&] {
      gate.pass();
      return 0;
    });
    answer.by_clone3 = error_of(pid);
    if (pid > 0) {
      const Fd file(::open(("/proc/" + std::to_string(pid) + "/ns/mnt").c_str(), O_RDONLY));
      answer.child_mounts = mounts_in(file);
      gate.write.reset();
      ::waitpid(pid, nullptr, 0);
    }
    const ParkedProcess other([] {
      ::unshare(unshare_empty_mntns);
      return 0;
    });
    answer.mounts = mounts_in(other.open("ns/mnt"));
    struct Inside {
      int error, writing;
      bool proc;
    };
    const auto inside = answer_of_child([]() -> Inside {
      const int error = error_of(::unshare(unshare_empty_mntns));
      const int writing = error_of(::mkdir("/nsgate", 0755));
      const bool proc = ::access("/proc/self", F_OK) == 0;
      if (writing == 0) ::rmdir("/nsgate");
      return {error, writing, proc};
    });
    answer.by_unshare = inside.error;
    answer.writing = inside.writing;
    answer.proc = inside.proc;
    return answer;
  });

  const bool there = running_kernel() >= KernelVersion{7, 1};
  EXPECT_EQ(seen.by_clone3, there ? 0 : EINVAL);
  EXPECT_EQ(seen.by_unshare, there ? 0 : EINVAL);
  EXPECT_EQ(seen.proc, !there);
  if (!there) return;
  // Its root is not counted, and takes nothing (nullfs).
  EXPECT_EQ(seen.child_mounts, 0);
  EXPECT_EQ(seen.mounts, 0);
  EXPECT_EQ(seen.writing, ENOENT);
}

}  // namespace
}  // namespace nsgate::test
