// SPDX-License-Identifier: Apache-2.0
//
// One thread of a process as a target.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include "nsgate/netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/thread_state.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

Arrivals enter_thread(pid_t process, pid_t thread) {
  return enter_all_ways(Target::thread(process, thread), UserTarget::thread(process, thread));
}

NamespaceId netns_of_other_thread(const TwoThreads& process) {
  return id_of(Fd(::open(process.netns_of_other_thread().c_str(), O_RDONLY | O_CLOEXEC)));
}

TEST(Target, ThreadLeadsToItsOwnNamespaceAndNotToItsLeaders) {
  BEHAVIOUR("TR15");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId leader, other;
    Arrivals to_leader, to_other;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    return Seen{.leader = netns_of(process.pid()),
                .other = netns_of_other_thread(process),
                .to_leader = enter_thread(process.pid(), process.pid()),
                .to_other = enter_thread(process.pid(), process.other_thread())};
  });

  ASSERT_NE(seen.leader, seen.other);
  EXPECT_THAT(seen.to_leader, Each(arrival_in(seen.leader)));
  EXPECT_THAT(seen.to_other, Each(arrival_in(seen.other)));
}

TEST(Target, ThreadIsReachedAfterItsLeaderEnded) {
  BEHAVIOUR("TR13");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId other;
    Arrivals arrivals;
  };

  const auto seen = answer_of_owner([] {
    TwoThreads process;
    process.end_leader();
    return Seen{netns_of_other_thread(process),
                enter_thread(process.pid(), process.other_thread())};
  });

  EXPECT_THAT(seen.arrivals, Each(arrival_in(seen.other)));
}

TEST(Target, ThreadOfAnotherProcessIsEsrchAtOpen) {
  BEHAVIOUR("TR15");
  REQUIRES(own_netns);
  struct Seen {
    Arrivals leader, other, both_swapped;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const ScratchNetns stranger;
    return Seen{.leader = enter_thread(stranger.pid(), process.pid()),
                .other = enter_thread(stranger.pid(), process.other_thread()),
                .both_swapped = enter_thread(process.other_thread(), stranger.pid())};
  });

  EXPECT_THAT(seen.leader, Each(turned_away(Stage::open, ESRCH)));
  EXPECT_THAT(seen.other, Each(turned_away(Stage::open, ESRCH)));
  EXPECT_THAT(seen.both_swapped, Each(turned_away(Stage::open, ESRCH)));
}

TEST(Target, ThreadThatEndedIsEsrchAtOpenAndNamed) {
  BEHAVIOUR("TR11");
  REQUIRES(no_tsan);
  pid_t ended = 0;
  std::thread([&] { ended = ::gettid(); }).join();
  wait_until_single_threaded();
  const OpenFds before;

  for (const pid_t gone : {ended, INT_MAX}) {
    SCOPED_TRACE(gone);
    EXPECT_THAT(enter_thread(::getpid(), gone), Each(turned_away(Stage::open, ESRCH)));
  }
  const auto opened = Netns::open(Target::thread(::getpid(), ended));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), "open thread " + std::to_string(ended) + " of pid " +
                                          std::to_string(::getpid()) + ": ESRCH (No such process)");
  EXPECT_EQ(OpenFds(), before);
}

// 0 must mean neither the leading thread nor any process.
TEST(Target, NumberThatIsNoThreadIsEinvalAtOpen) {
  BEHAVIOUR("TR11");
  const pid_t self = ::getpid();
  const OpenFds before;

  for (const auto& [process, thread] :
       {std::pair{self, 0}, {self, -1}, {self, INT_MIN}, {0, self}, {-1, self}, {0, 0}}) {
    SCOPED_TRACE(std::to_string(thread) + " of " + std::to_string(process));
    EXPECT_THAT(enter_thread(process, thread), Each(turned_away(Stage::open, EINVAL)));
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Target, ThreadOfAnotherUserIsEaccesAtOpen) {
  BEHAVIOUR("TR09");
  constexpr pid_t init = 1;

  const auto arrivals = answer_of_child([] {
    become_unprivileged();
    return enter_thread(init, init);
  });

  EXPECT_THAT(arrivals, Each(turned_away(Stage::open, EACCES)));
}

}  // namespace
}  // namespace nsgate::test
