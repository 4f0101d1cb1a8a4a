// SPDX-License-Identifier: Apache-2.0
//
// Targets under a seccomp filter that refuses a system call on the way, with either errno in use.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "nsgate/in_netns.h"
#include "nsgate/join.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// runc#2151: filters that are older than a system call say EPERM, newer ones ENOSYS.
constexpr std::array filters_say{EPERM, ENOSYS};

Arrivals enter_process(pid_t pid) {
  return enter_all_ways(Target::process(pid), UserTarget::process(pid));
}

Arrivals enter_owned(const Target& target) {
  return enter_all_ways(target, UserTarget::owned(target));
}

TEST(Target, ProcessIsReachedByProcWhenAFilterRefusesPidfdOpen) {
  BEHAVIOUR("PP11");
  REQUIRES(userns);
  struct Seen {
    int filtered;
    NamespaceId process, leader, thread;
    Arrivals to_process, to_leader, to_thread, to_current;
  };
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto seen = answer_of_owner([&] {
      const UserScratch other;
      const TwoThreads threads;
      const pid_t thread = threads.other_thread();
      const Fd netns(::open(threads.netns_of_other_thread().c_str(), O_RDONLY | O_CLOEXEC));
      Seen answer{};
      answer.process = other.id();
      answer.leader = netns_of(threads.pid());
      answer.thread = id_of(netns);
      answer.filtered = refuse_syscall(SYS_pidfd_open, error);
      answer.to_process = enter_process(other.pid());
      answer.to_leader = enter_process(threads.pid());
      answer.to_thread = enter_all_ways(Target::thread(threads.pid(), thread),
                                        UserTarget::thread(threads.pid(), thread));
      answer.to_current = enter_owned(Target::current());
      return answer;
    });

    EXPECT_EQ(seen.filtered, 0);
    EXPECT_THAT(seen.to_process, Each(arrival_in(seen.process)));
    EXPECT_THAT(seen.to_leader, Each(arrival_in(seen.leader)));
    EXPECT_THAT(seen.to_thread, Each(arrival_in(seen.thread)));
    EXPECT_EQ(seen.to_current[0].ended, exited(0));
  }
}

TEST(Target, RefusalOfTheKernelIsTheKernelsAlsoWhenAFilterRefusesPidfdOpen) {
  BEHAVIOUR("PP11 TR09 TR11");
  REQUIRES(own_netns);
  constexpr pid_t init = 1;
  struct Seen {
    Arrivals gone, foreign;
    Ended one_shot;
  };
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    OwnScratch reaped;
    const pid_t gone = reaped.pid();
    reaped.reap();
    const auto seen = answer_of_child([&] {
      become_unprivileged();
      refuse_syscall(SYS_pidfd_open, error);
      const auto one_shot = UserNetns::open(UserTarget::process(::getpid()), Plan::one_shot);
      return Seen{enter_process(gone), enter_process(init), how_opening_ended(one_shot)};
    });

    EXPECT_THAT(seen.gone, Each(turned_away(Stage::open, ENOENT)));
    EXPECT_THAT(seen.foreign, Each(turned_away(Stage::open, EACCES)));
    EXPECT_EQ(seen.one_shot, refused(Stage::open, EOPNOTSUPP));
  }
}

TEST(Target, ProcessIsReachedByProcWhenAFilterRefusesIoctl) {
  BEHAVIOUR("PP09 PP10");
  REQUIRES(userns);
  struct Seen {
    int filtered;
    NamespaceId id;
    Arrivals process, pidfd, descriptor;
    Ended gone, gone_pidfd;
  };
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto seen = answer_of_owner([&] {
      const UserScratch other;
      UserScratch reaped;
      const pid_t gone = reaped.pid();
      const Fd of_gone = pidfd_open(gone);
      reaped.reap();
      const Fd pidfd = pidfd_open(other.pid());
      const Fd net = other.open("ns/net");
      const Fd user = other.open("ns/user");
      Seen answer{};
      answer.id = other.id();
      answer.filtered = refuse_syscall(SYS_ioctl, error);
      answer.process = enter_process(other.pid());
      answer.pidfd = enter_all_ways(Target::pidfd(pidfd.get()), UserTarget::pidfd(pidfd.get()));
      answer.descriptor =
          enter_all_ways(Target::descriptor(net.get()),
                         UserTarget::descriptors({.user = user.get(), .net = net.get()}));
      answer.gone = how_it_ended(in_netns(Target::process(gone), [] {}));
      answer.gone_pidfd = how_it_ended(in_netns(Target::pidfd(of_gone.get()), [] {}));
      return answer;
    });

    EXPECT_EQ(seen.filtered, 0);
    EXPECT_THAT(seen.process, Each(arrival_in(seen.id)));
    EXPECT_THAT(seen.pidfd, Each(arrival_in(seen.id)));
    EXPECT_THAT(seen.descriptor, Each(arrival_in(seen.id)));
    EXPECT_EQ(seen.gone, refused(Stage::open, ESRCH));
    EXPECT_EQ(seen.gone_pidfd, refused(Stage::open, ESRCH));
  }
}

TEST(Target, WhatOnlyAnIoctlTellsIsLeftToTheKernelOrRefusedWhenAFilterRefusesIoctl) {
  BEHAVIOUR("PP09 PP10");
  REQUIRES(userns);
  struct Seen {
    std::array<Ended, 2> no_namespace;
    Arrivals socket;
    Ended owned;
    bool blames_the_owner;
  };
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto seen = answer_of_owner([&] {
      const UserScratch other;
      const Fd net = other.open("ns/net");
      const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      refuse_syscall(SYS_ioctl, error);
      const auto null = Target::path("/dev/null");
      const auto owned = UserNetns::open(UserTarget::owned(Target::descriptor(net.get())));
      return Seen{{how_it_ended(in_netns(null, [] {})),
                   how_it_ended(exec_in_netns(null, {.argv = {helper(), "exit", "0"}}))},
                  enter_owned(Target::socket(socket.get())),
                  how_opening_ended(owned),
                  owned || !owned.error().note.empty()};
    });

    EXPECT_THAT(seen.no_namespace, Each(refused(Stage::setns_net, EINVAL)));
    EXPECT_THAT(seen.socket, Each(turned_away(Stage::open, error)));
    EXPECT_EQ(seen.owned, refused(Stage::open, error));
    EXPECT_FALSE(seen.blames_the_owner);
  }
}

TEST(ExecInNetns, OutputIsWholeWhenAFilterRefusesIoctl) {
  BEHAVIOUR("PP09 EX13");
  REQUIRES(userns);
  constexpr std::size_t length = 300000;
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto captured = answer_of_owner([&] {
      const UserScratch other;
      const Fd net = other.open("ns/net");
      refuse_syscall(SYS_ioctl, error);
      const auto ended = exec_in_netns(
          Target::descriptor(net.get()),
          {.argv = {helper(), "write", std::to_string(length), std::to_string(length)}});
      return ended ? std::array{ended->out.size(), ended->err.size()}
                   : std::array<std::size_t, 2>{};
    });

    EXPECT_THAT(captured, Each(length));
  }
}

TEST(Target, NeedsToOpenNothingForADescriptorOrTheIoctlsOfAPidfd) {
  BEHAVIOUR("PP09 PP10");
  REQUIRES(userns);
  struct Seen {
    int filtered;
    NamespaceId id;
    std::array<Arrival, 2> descriptor, process, pidfd;
    Ended path;
  };
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto seen = answer_of_owner([&] {
      const UserScratch other;
      const Fd net = other.open("ns/net");
      const Fd pidfd = pidfd_open(other.pid());
      const Command command{.argv = {helper(), "netns"}, .stdin_fd = net.get()};
      const auto enter = [&](const Target& target) {
        const auto closure = in_netns(target, current_netns);
        const auto program = exec_in_netns(target, command);
        return std::array{closure ? arrival_in(*closure)
                                  : turned_away(closure.error().stage, closure.error().code),
                          Arrival{how_it_ended(program), printed_id(program)}};
      };
      Seen answer{};
      answer.id = other.id();
      answer.filtered = refuse_syscall(SYS_openat, error);
      answer.descriptor = enter(Target::descriptor(net.get()));
      answer.process = enter(Target::process(other.pid()));
      answer.pidfd = enter(Target::pidfd(pidfd.get()));
      answer.path = how_it_ended(in_netns(Target::path("/proc/self/ns/net"), [] {}));
      return answer;
    });

    const Arrival there = arrival_in(seen.id);
    EXPECT_EQ(seen.filtered, 0);
    EXPECT_THAT(seen.descriptor, Each(there));
    // fs/pidfs.c: PIDFD_GET_NET_NAMESPACE since Linux 6.11.
    EXPECT_THAT(seen.process, Each(on_this_kernel<Arrival>(
                                  {{{0, 0}, turned_away(Stage::open, error)}, {{6, 11}, there}})));
    // Without it, nor the pid from /proc, setns takes the pidfd itself.
    EXPECT_THAT(seen.pidfd, Each(there));
    EXPECT_EQ(seen.path, refused(Stage::open, error));
  }
}

/// What was noted of three entries that fail at setns.
struct Notes {
  std::array<Ended, 3> ended;
  bool all_filtered, none_filtered;
};

Notes notes_of(pid_t pid) {
  const auto closure = in_netns(Target::process(pid), [] {});
  const auto program = exec_in_netns(Target::process(pid), {.argv = {helper(), "exit", "0"}});
  const auto both = exec_in_user_netns(UserTarget::process(pid), {.argv = {helper(), "exit", "0"}});
  Notes notes{{how_it_ended(closure), how_it_ended(program), how_it_ended(both)}, true, true};
  if (closure || program || both) return notes;
  for (const Error& error : {closure.error(), program.error(), both.error()}) {
    const bool filtered = error.note == "by a seccomp filter" &&
                          std::string_view(error.message()).ends_with(": by a seccomp filter");
    notes.all_filtered = notes.all_filtered && filtered;
    notes.none_filtered = notes.none_filtered && error.note.empty();
  }
  return notes;
}

TEST(Exec, RefusalOfSetnsByAFilterIsToldFromTheKernels) {
  BEHAVIOUR("PP09 PP10");
  REQUIRES(userns);
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto filters = answer_of_owner([&] {
      const UserScratch other;
      refuse_syscall(SYS_setns, error);
      return notes_of(other.pid());
    });

    EXPECT_THAT(filters.ended,
                ElementsAre(refused(Stage::setns_net, error), refused(Stage::setns_net, error),
                            refused(Stage::setns_both, error)));
    EXPECT_TRUE(filters.all_filtered);
  }

  const auto kernels = answer_of_child([&] {
    become_unprivileged();
    const ParkedProcess plain([] { return unshare_mapped(CLONE_NEWUSER); });
    return notes_of(plain.pid());
  });

  EXPECT_THAT(kernels.ended,
              ElementsAre(refused(Stage::setns_net, EPERM), refused(Stage::setns_net, EPERM),
                          refused(Stage::setns_both, EPERM)));
  EXPECT_TRUE(kernels.none_filtered);
}

}  // namespace
}  // namespace nsgate::test
