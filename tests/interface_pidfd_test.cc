// SPDX-License-Identifier: Apache-2.0
//
// What a pidfd can be made of and be used for, by the release that brought it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/newer_interfaces.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

int send_signal(int pidfd, int signal) {
  return error_of(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

/// The pid that /proc shows for a pidfd; -1 when it shows none.
pid_t pid_in_fdinfo(const Fd& process) {
  const auto path = "/proc/self/fdinfo/" + std::to_string(process.get());
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text{};
  if (::read(file.get(), text.data(), text.size() - 1) <= 0) return -1;
  const std::string told = text.data();
  const auto at = told.find("\nPid:");
  return at == told.npos ? -1 : std::atoi(told.c_str() + at + 5);
}

TEST(PidfdOpen, NamesTheProcess) {
  BEHAVIOUR("AP05");
  const ParkedProcess other([] { return 0; });
  const Fd process = pidfd_open(other.pid());

  ASSERT_TRUE(process);
  EXPECT_EQ(pid_in_fdinfo(process), other.pid());
  EXPECT_EQ(send_signal(process.get(), 0), 0);
  EXPECT_EQ(error_of(pidfd_open(-1)), EINVAL);
}

TEST(Netns, KernelWithoutPidfdOpenIsEnteredByProc) {
  BEHAVIOUR("AP05");
  REQUIRES(own_netns);

  const auto ended = answer_of_owner([] {
    const ScratchNetns other;
    const std::string program = helper();
    if (refuse_syscall(SYS_pidfd_open, ENOSYS) != 0) return std::array<Ended, 2>{};
    return enter_both_ways(Target::process(other.pid()), program);
  });

  EXPECT_THAT(ended, Each(exited(0)));
}

TEST(Waitid, TakesAPidfd) {
  BEHAVIOUR("AP06");
  struct Seen {
    int error;
    bool is_child;
    int code, status, again;
  };

  const auto seen = answer_of_child([] {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(7);
    const Fd process = pidfd_open(pid);
    siginfo_t info{};
    constexpr auto p_pidfd = static_cast<idtype_t>(3);
    const auto id = static_cast<id_t>(process.get());
    Seen answer{};
    answer.error = error_of(::waitid(p_pidfd, id, &info, WEXITED));
    answer.is_child = info.si_pid == pid;
    answer.code = info.si_code;
    answer.status = info.si_status;
    answer.again = error_of(::waitid(p_pidfd, id, &info, WEXITED));
    return answer;
  });

  EXPECT_EQ(seen.error, 0);
  EXPECT_TRUE(seen.is_child);
  EXPECT_EQ(seen.code, CLD_EXITED);
  EXPECT_EQ(seen.status, 7);
  EXPECT_EQ(seen.again, ECHILD);
}

TEST(PidfdGetfd, TakesTheNetnsDescriptorOfAnotherProcess) {
  BEHAVIOUR("AP07");
  REQUIRES(own_netns);
  struct Seen {
    int error, missing;
    bool same_file;
    Ended entered;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns target;
    constexpr int known = 50;
    const ParkedProcess holder(
        [&] { return error_of(::dup2(target.open("ns/net").get(), known)); });
    const Fd process = pidfd_open(holder.pid());
    const auto take = [&](int number) {
      return Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
    };
    const Fd taken = take(known);
    const int error = error_of(taken);
    const int missing = error_of(take(known + 1));
    return Seen{error, missing, taken && id_of(taken) == target.id(),
                enter_both_ways(Target::descriptor(taken.get()))[0]};
  });

  EXPECT_EQ(seen.error, 0);
  EXPECT_EQ(seen.missing, EBADF);
  EXPECT_TRUE(seen.same_file);
  EXPECT_EQ(seen.entered, exited(0));
}

TEST(Openat2, OpensANamespaceFileUnlessTheWayIsNarrowed) {
  BEHAVIOUR("AP07");
  const Fd opened = open_resolving("/proc/self/ns/net", 0);
  ASSERT_TRUE(opened);
  EXPECT_EQ(id_of(opened), current_netns());
  EXPECT_EQ(error_of(open_resolving("/proc/self/ns/net", RESOLVE_NO_MAGICLINKS)), ELOOP);
}

TEST(PidfdOpen, NonblockingOneDoesNotWait) {
  BEHAVIOUR("AP11");
  const ParkedProcess other([] { return 0; });
  const Fd process = pidfd_open(other.pid(), pidfd_nonblock);
  siginfo_t info{};

  ASSERT_TRUE(process);
  EXPECT_EQ(::fcntl(process.get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(error_of(::waitid(static_cast<idtype_t>(3), static_cast<id_t>(process.get()), &info,
                              WEXITED)),
            EAGAIN);
}

TEST(Socket, PeerIsNamedByAPidfdOrElseByItsPid) {
  BEHAVIOUR("AP14");
  REQUIRES(own_netns);
  struct Seen {
    int error;
    bool is_peer;
    Ended by_pidfd, by_pid;
    bool pid_is_peers;
  };

  const auto seen = answer_of_owner([] {
    constexpr int known = 50;
    // Who makes a pair of sockets is the peer of both (unix(7)).
    const ParkedProcess peer([] {
      std::array<int, 2> ends{};
      if (const int error = unshare_mapped(CLONE_NEWNET); error != 0) return error;
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return errno;
      return error_of(::dup2(ends[0], known));
    });
    const Fd process = pidfd_open(peer.pid());
    const Fd socket(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), known, 0)));
    int named = -1;
    socklen_t size = sizeof named;
    const int error = error_of(::getsockopt(socket.get(), SOL_SOCKET, so_peerpidfd, &named, &size));
    const Fd peers(named);
    ucred credentials{};
    size = sizeof credentials;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    return Seen{
        error, pid_in_fdinfo(peers) == peer.pid(), enter_both_ways(Target::pidfd(peers.get()))[0],
        enter_both_ways(Target::process(credentials.pid))[0], credentials.pid == peer.pid()};
  });

  // "net: core: add getsockopt SO_PEERPIDFD", Linux 6.5.
  const bool there = running_kernel() >= KernelVersion{6, 5};
  EXPECT_EQ(seen.error, there ? 0 : ENOPROTOOPT);
  EXPECT_EQ(seen.is_peer, there);
  EXPECT_EQ(seen.by_pidfd, there ? exited(0) : refused(Stage::open, EBADF));
  EXPECT_EQ(seen.by_pid, exited(0));
  EXPECT_TRUE(seen.pid_is_peers);
}

TEST(PidfdOpen, ThreadHasAPidfdSinceLinux69AndIsEnteredAnyway) {
  BEHAVIOUR("AP15");
  REQUIRES(own_netns);
  struct Seen {
    int error;
    bool is_thread;
    Ended entered;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const Fd thread = pidfd_open(process.other_thread(), pidfd_thread_flag);
    const int error = error_of(thread);
    return Seen{error, thread && pid_in_fdinfo(thread) == process.other_thread(),
                enter_both_ways(Target::thread(process.pid(), process.other_thread()))[0]};
  });

  // pidfd_open(2): PIDFD_THREAD since Linux 6.9.
  const bool there = running_kernel() >= KernelVersion{6, 9};
  EXPECT_EQ(seen.error, there ? 0 : EINVAL);
  EXPECT_EQ(seen.is_thread, there);
  EXPECT_EQ(seen.entered, exited(0));
}

TEST(PidfdOpen, PidfdsOfAProcessShareAnInodeThatIsNoOtherProcessesSinceLinux69) {
  BEHAVIOUR("AP15");
  const ParkedProcess one([] { return 0; });
  const ParkedProcess other([] { return 0; });
  const Fd first = pidfd_open(one.pid());
  struct statfs system {};

  ASSERT_EQ(::fstatfs(first.get(), &system), 0);
  EXPECT_EQ(id_of(first), id_of(pidfd_open(one.pid())));
  // "pidfd: add pidfs", Linux 6.9; before, all anonymous files share one inode.
  const bool pidfs = running_kernel() >= KernelVersion{6, 9};
  EXPECT_EQ(system.f_type == pidfs_magic, pidfs);
  EXPECT_EQ(id_of(first) != id_of(pidfd_open(other.pid())), pidfs);
}

TEST(Pidfd, CallerNamesItselfSinceLinux614ButNotToSetns) {
  BEHAVIOUR("AP28");
  const std::array signalled{send_signal(pidfd_self_thread, 0),
                             send_signal(pidfd_self_thread_group, 0)};
  const std::array joined{setns_error(pidfd_self_thread, CLONE_NEWNET),
                          setns_error(pidfd_self_thread_group, CLONE_NEWNET)};
  const auto entered = enter_both_ways(Target::pidfd(pidfd_self_thread));

  // "pidfd: add PIDFD_SELF* sentinels to refer to own thread/process", Linux 6.14.
  EXPECT_THAT(signalled, Each(on_this_kernel<int>({{{0, 0}, EBADF}, {{6, 14}, 0}})));
  EXPECT_THAT(joined, Each(EBADF));
  EXPECT_THAT(entered, Each(refused(Stage::open, EBADF)));
}

}  // namespace
}  // namespace nsgate::test
