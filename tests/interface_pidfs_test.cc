// SPDX-License-Identifier: Apache-2.0
//
// What a pidfd tells by ioctl(2): the namespaces of its process since Linux 6.11, and the process
// itself since 6.13. Without them core finds the namespaces in /proc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "nsgate/in_netns.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/newer_interfaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

Fd namespace_of(const Fd& process, int number, unsigned long argument = 0) {
  return Fd(::ioctl(process.get(), namespace_ioctl_of_pidfd(number), argument));
}

constexpr int net = 4;

// fs/pidfs.c: PIDFD_GET_…_NAMESPACE since Linux 6.11.
bool tells_namespaces() { return running_kernel() >= KernelVersion{6, 11}; }

/// In the order of their ioctls, from 1 on.
constexpr std::array namespace_files{"ns/cgroup", "ns/ipc",
                                     "ns/mnt",    "ns/net",
                                     "ns/pid",    "ns/pid_for_children",
                                     "ns/time",   "ns/time_for_children",
                                     "ns/user",   "ns/uts"};

TEST(Pidfd, LeadsToEachNamespaceOfItsProcess) {
  BEHAVIOUR("AP16");
  REQUIRES(own_netns);
  struct Seen {
    std::array<int, namespace_files.size()> errors;
    std::array<bool, namespace_files.size()> same;
    bool new_net, close_on_exec;
  };

  const auto seen = answer_of_owner([&] {
    const ParkedProcess other([] {
      return unshare_mapped(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS |
                            CLONE_NEWCGROUP | CLONE_NEWTIME);
    });
    const Fd process = pidfd_open(other.pid());
    Seen answer{};
    for (std::size_t i = 0; i < namespace_files.size(); ++i) {
      const Fd told = namespace_of(process, static_cast<int>(i) + 1);
      answer.errors[i] = error_of(told);
      answer.same[i] = told && id_of(told) == id_of(other.open(namespace_files[i]));
    }
    const Fd told = namespace_of(process, net);
    answer.new_net = told && id_of(told) != current_netns();
    answer.close_on_exec = told && ::fcntl(told.get(), F_GETFD) == FD_CLOEXEC;
    return answer;
  });

  EXPECT_THAT(seen.errors, Each(tells_namespaces() ? 0 : ENOTTY));
  EXPECT_THAT(seen.same, Each(tells_namespaces()));
  EXPECT_EQ(seen.new_net, tells_namespaces());
  EXPECT_EQ(seen.close_on_exec, tells_namespaces());
}

TEST(Netns, PidfdIsEnteredWithOrWithoutItsIoctls) {
  BEHAVIOUR("AP16");
  REQUIRES(own_netns);
  struct Seen {
    std::array<Ended, 2> ended;
    NamespaceId reached, target;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd process = pidfd_open(other.pid());
    return Seen{enter_both_ways(Target::pidfd(process.get())),
                in_netns(Target::pidfd(process.get()), current_netns).value_or(NamespaceId{}),
                other.id()};
  });

  EXPECT_THAT(seen.ended, Each(exited(0)));
  EXPECT_EQ(seen.reached, seen.target);
}

TEST(Pidfd, NamespaceIoctlRefusesAnArgumentADeadProcessAndAStranger) {
  BEHAVIOUR("AP16");
  REQUIRES(userns);
  // Another user's, or root's.
  const OwnScratch stranger;
  const Fd strangers = pidfd_open(stranger.pid());
  struct Seen {
    int prepared, argument, zombie, reaped, stranger;
  };

  const auto seen = answer_of_child([&] {
    Seen answer{};
    ParkedProcess other([] { return 0; });
    const Fd process = pidfd_open(other.pid());
    answer.argument = error_of(namespace_of(process, net, 1));
    other.make_zombie();
    answer.zombie = error_of(namespace_of(process, net));
    other.reap();
    answer.reaped = error_of(namespace_of(process, net));
    answer.prepared = unshare_mapped(CLONE_NEWUSER);
    answer.stranger = error_of(namespace_of(strangers, net));
    return answer;
  });

  const auto expected = [](int error) { return tells_namespaces() ? error : ENOTTY; };
  EXPECT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.argument, expected(EINVAL));
  EXPECT_EQ(seen.zombie, expected(ESRCH));
  EXPECT_EQ(seen.reaped, expected(ESRCH));
  EXPECT_EQ(seen.stranger, expected(EACCES));
}

struct Told {
  int error;
  PidfdInfo info;
};
Told info_of(const Fd& process, std::uint64_t wanted = 0) {
  PidfdInfo info{};
  info.mask = wanted;
  const int error = error_of(::ioctl(process.get(), pidfd_get_info, &info));
  return {error, info};
}

// fs/pidfs.c: PIDFD_GET_INFO since Linux 6.13. The pidfs of 6.11 and 6.12 refuses any argument but
// 0 before it looks at the request.
int info_error() {
  return on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, EINVAL}, {{6, 13}, 0}});
}

TEST(Pidfd, TellsItsProcess) {
  BEHAVIOUR("AP19");
  const ParkedProcess other([] { return 0; });

  const auto [error, info] = info_of(pidfd_open(other.pid()));

  ASSERT_EQ(error, info_error());
  if (error != 0) return;
  EXPECT_EQ(info.mask & pidfd_info_pid_and_creds, pidfd_info_pid_and_creds);
  EXPECT_EQ(info.pid, static_cast<std::uint32_t>(other.pid()));
  EXPECT_EQ(info.tgid, static_cast<std::uint32_t>(other.pid()));
  EXPECT_EQ(info.ppid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(info.euid, ::geteuid());
  EXPECT_EQ(info.egid, ::getegid());
}

TEST(Pidfd, TellsTheExitOfAProcessThatIsReaped) {
  BEHAVIOUR("AP19");
  struct Seen {
    Told alive, reaped, without_exit;
    int status;
  };

  const auto seen = answer_of_child([] {
    std::array<int, 2> gate{};
    if (::pipe2(gate.data(), O_CLOEXEC) != 0) return Seen{};
    const pid_t pid = ::fork();
    if (pid == 0) {
      char byte = 0;
      ::close(gate[1]);
      ::_exit(::read(gate[0], &byte, 1) == 0 ? 7 : 1);
    }
    const Fd process = pidfd_open(pid);
    Seen answer{};
    answer.alive = info_of(process, pidfd_info_exit);
    ::close(gate[1]);
    ::waitpid(pid, &answer.status, 0);
    answer.reaped = info_of(process, pidfd_info_exit);
    answer.without_exit = info_of(process);
    return answer;
  });

  // PIDFD_INFO_EXIT since Linux 6.15.
  const bool there = running_kernel() >= KernelVersion{6, 15};
  EXPECT_EQ(seen.alive.error, info_error());
  EXPECT_EQ(seen.alive.info.mask & pidfd_info_exit, there ? 0 : seen.alive.info.mask & 8);
  EXPECT_EQ(seen.reaped.error, there ? 0 : info_error() != 0 ? info_error() : ESRCH);
  EXPECT_EQ(seen.without_exit.error, info_error() != 0 ? info_error() : ESRCH);
  if (there) {
    EXPECT_NE(seen.reaped.info.mask & pidfd_info_exit, 0u);
    EXPECT_EQ(seen.reaped.info.exit_code, seen.status);
  }
}

TEST(Pidfd, TellsNothingOfAProcessOutsideOfTheCallersPidNamespace) {
  BEHAVIOUR("AP27");
  REQUIRES(own_netns);
  struct Seen {
    int unshared, outside, inside;
    bool in_both;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd outside = pidfd_open(other.pid());
    Seen answer{};
    answer.unshared = error_of(::unshare(CLONE_NEWPID));
    struct Inside {
      int outside, own;
      bool is_one;
    };
    const auto [error_outside, error_inside, is_one] = answer_of_child([&]() -> Inside {
      const auto own = info_of(pidfd_open(::getpid()));
      return {info_of(outside).error, own.error, own.info.pid == 1};
    });
    answer.outside = error_outside;
    answer.inside = error_inside;
    answer.in_both = is_one;
    return answer;
  });

  EXPECT_EQ(seen.unshared, 0);
  EXPECT_EQ(seen.inside, info_error());
  EXPECT_EQ(seen.in_both, info_error() == 0);
  // "pidfs: return -EREMOTE when PIDFD_GET_INFO is called on another ns", ab89060fbc92, Linux 7.0,
  // and 6.18.14.
  const int remote = on_this_kernel<int>({{{0, 0}, ESRCH}, {{6, 18}, EREMOTE}});
  EXPECT_EQ(seen.outside, info_error() != 0 ? info_error() : remote);
}

}  // namespace
}  // namespace nsgate::test
