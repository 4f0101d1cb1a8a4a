// SPDX-License-Identifier: Apache-2.0
//
// The ways that core takes where an interface is missing, taken on every kernel because a filter
// refuses what is newer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>

#include "nsgate/in_netns.h"
#include "nsgate/join.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/hidden_proc.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_faults.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

TEST(Target, PidfdOfAReapedProcessIsEsrchAlsoWhenAFilterRefusesIoctl) {
  BEHAVIOUR("TR17 PP11");
  REQUIRES(own_netns);
  OwnScratch target;
  const Fd pidfd = pidfd_open(target.pid());
  target.reap();
  struct Seen {
    int filtered;
    Arrivals arrivals;
  };

  const auto seen = answer_of_child([&] {
    return Seen{refuse_syscall(SYS_ioctl, ENOSYS),
                enter_all_ways(Target::pidfd(pidfd.get()), UserTarget::pidfd(pidfd.get()))};
  });

  EXPECT_EQ(seen.filtered, 0);
  EXPECT_THAT(seen.arrivals, ::testing::Each(turned_away(Stage::open, ESRCH)));
}

TEST(Target, ProcessThatEndsMeanwhileIsNotTakenForTheNextOwnerOfItsPid) {
  BEHAVIOUR("TR16");
  REQUIRES(own_netns);
  REQUIRES(unsanitized);
  const OwnScratch other;

  // By then /proc has shown the files of whoever has the pid.
  const Trace seen =
      trace([&] { return how_opening_ended(Netns::open(Target::process(other.pid()))); },
            {{.call = "caller ioctl PIDFD_GET_NET_NAMESPACE", .nth = -1, .value = ENOTTY},
             {.call = "caller pidfd_send_signal of none", .nth = -1, .value = ESRCH}});

  EXPECT_EQ(seen.ended, refused(Stage::open, ESRCH));
  EXPECT_EQ(seen.left_behind, "");
}

TEST(Target, CurrentIsTheWorkersWithoutProcAndWithoutPidfds) {
  BEHAVIOUR("TH02 TR30");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    int refused;
    NamespaceId target, current;
  };

  const auto seen = answer_of_owner([] {
    const UserScratch other;
    const Fd net = other.open("ns/net");
    Seen answer{.refused = hide_proc(), .target = id_of(net), .current = {}};
    if (answer.refused == 0) answer.refused = refuse_syscall(SYS_pidfd_open, ENOSYS);
    answer.current = in_netns(Target::descriptor(net.get()), [] {
                       const auto current = Netns::open(Target::current());
                       return current ? id_of(current->fd()) : NamespaceId{};
                     }).value_or(NamespaceId{});
    return answer;
  });

  EXPECT_EQ(seen.refused, 0);
  EXPECT_EQ(seen.current, seen.target);
}

TEST(Target, OwnerIsNotSupportedWhereOnlyThePidfdIsLeft) {
  BEHAVIOUR("TR28 TR30");
  REQUIRES(own_netns);
  REQUIRES(unsanitized);
  const OwnScratch other;

  const Trace seen = trace(
      [&] {
        return how_opening_ended(UserNetns::open(UserTarget::owned(Target::process(other.pid()))));
      },
      {{.call = "caller ioctl PIDFD_GET_NET_NAMESPACE", .nth = -1, .value = ENOTTY},
       {.call = "caller openat /proc/#/ns/net", .nth = -1, .value = ENOENT},
       {.call = "caller access", .nth = -1, .value = ENOENT}});

  EXPECT_EQ(seen.ended, refused(Stage::open, EOPNOTSUPP));
  EXPECT_EQ(seen.left_behind, "");
}

}  // namespace
}  // namespace nsgate::test
