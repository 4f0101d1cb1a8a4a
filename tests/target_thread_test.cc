// SPDX-License-Identifier: Apache-2.0
//
// A process as a target means its leading thread, whatever its other threads do.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cerrno>

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// PIDFD_THREAD of linux/pidfd.h.
constexpr unsigned pidfd_thread = O_EXCL;

/// Where a process is after setns(pidfd); nowhere when it was refused.
NamespaceId reached_by(const Fd& process) {
  return answer_of_child([&] {
    return setns_error(process.get(), CLONE_NEWNET) == 0 ? current_netns() : NamespaceId{};
  });
}

TEST(Netns, ProcessMeansItsLeadingThread) {
  BEHAVIOUR("TR15");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId leader, other, by_pid, by_thread, by_pidfd;
    std::array<Ended, 2> both_ways;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const Fd other(::open(process.netns_of_other_thread().c_str(), O_RDONLY | O_CLOEXEC));
    return Seen{
        .leader = id_of(process.open("ns/net")),
        .other = id_of(other),
        .by_pid = in_netns(Target::process(process.pid()), current_netns).value_or(NamespaceId{}),
        .by_thread = in_netns(Target::path(process.netns_of_other_thread()), current_netns)
                         .value_or(NamespaceId{}),
        .by_pidfd = reached_by(pidfd_open(process.pid())),
        .both_ways = enter_both_ways(Target::path(process.netns_of_other_thread()))};
  });

  EXPECT_NE(seen.leader, seen.other);
  EXPECT_EQ(seen.by_pid, seen.leader);
  EXPECT_EQ(seen.by_pidfd, seen.leader);
  EXPECT_EQ(seen.by_thread, seen.other);
  EXPECT_THAT(seen.both_ways, Each(exited(0)));
}

TEST(ExecInNetns, ProcessMeansItsLeadingThread) {
  BEHAVIOUR("TR15");
  REQUIRES(own_netns);

  const bool in_leaders = answer_of_owner([] {
    const TwoThreads process;
    const auto program =
        exec_in_netns(Target::process(process.pid()), {.argv = {helper(), "netns"}});
    return program && program->out == ::testing::PrintToString(netns_of(process.pid())) + "\n";
  });

  EXPECT_TRUE(in_leaders);
}

TEST(Netns, PidfdNamesTheNamespaceOfTheLeadingThread) {
  BEHAVIOUR("TR15");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId leader, named;
    int error;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const Fd named = netns_of_pidfd(pidfd_open(process.pid()));
    const int error = error_of(named);
    return Seen{netns_of(process.pid()), named ? id_of(named) : netns_of(process.pid()), error};
  });

  // PIDFD_GET_NET_NAMESPACE, since Linux 6.11.
  EXPECT_EQ(seen.error, on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, 0}}));
  EXPECT_EQ(seen.named, seen.leader);
}

TEST(Setns, PidfdOfAThreadJoinsTheNamespaceOfThatThread) {
  BEHAVIOUR("TR14");
  REQUIRES(own_netns);
  struct Seen {
    int error;
    NamespaceId other, reached;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const Fd thread = pidfd_open(process.other_thread(), pidfd_thread);
    const int error = error_of(thread);
    const Fd other(::open(process.netns_of_other_thread().c_str(), O_RDONLY | O_CLOEXEC));
    return Seen{error, id_of(other), thread ? reached_by(thread) : id_of(other)};
  });

  // pidfd_open(2): PIDFD_THREAD since Linux 6.9.
  EXPECT_EQ(seen.error, on_this_kernel<int>({{{0, 0}, EINVAL}, {{6, 9}, 0}}));
  EXPECT_EQ(seen.reached, seen.other);
}

TEST(Setns, ThreadThatDoesNotLeadHasNoPidfdOfAProcess) {
  BEHAVIOUR("TR14");
  REQUIRES(own_netns);

  const int error = answer_of_owner([] {
    const TwoThreads process;
    return error_of(pidfd_open(process.other_thread()));
  });

  // "pidfd: improve uapi when task isn't found", Linux 6.16.
  EXPECT_EQ(error, on_this_kernel<int>({{{0, 0}, EINVAL}, {{6, 16}, ENOENT}}));
}

TEST(Netns, ProcessWhoseLeadingThreadEndedIsReachedByAnotherThreadOnly) {
  BEHAVIOUR("TR13");
  REQUIRES(own_netns);

  const auto [by_pid, by_thread] = answer_of_owner([] {
    TwoThreads process;
    process.end_leader();
    return std::array{enter_both_ways(Target::process(process.pid())),
                      enter_both_ways(Target::path(process.netns_of_other_thread()))};
  });

  // By the ioctls of a pidfd, and before Linux 6.11 by /proc.
  const int ended = on_this_kernel<int>({{{0, 0}, ENOENT}, {{6, 11}, ESRCH}});
  EXPECT_THAT(by_pid, Each(refused(Stage::open, ended)));
  EXPECT_THAT(by_thread, Each(exited(0)));
}

TEST(Setns, PidfdOfAProcessWhoseLeadingThreadEndedIsEsrch) {
  BEHAVIOUR("TR13");
  REQUIRES(own_netns);

  const auto errors = answer_of_owner([] {
    TwoThreads process;
    const Fd opened_before = pidfd_open(process.pid());
    process.end_leader();
    const Fd opened_after = pidfd_open(process.pid());
    return std::array{setns_error(opened_before.get(), CLONE_NEWNET), error_of(opened_after),
                      setns_error(opened_after.get(), CLONE_NEWNET),
                      error_of(netns_of_pidfd(opened_after))};
  });

  // PIDFD_GET_NET_NAMESPACE, since Linux 6.11.
  const int not_named = on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, ESRCH}});
  EXPECT_THAT(errors, ElementsAre(ESRCH, 0, ESRCH, not_named));
}

}  // namespace
}  // namespace nsgate::test
