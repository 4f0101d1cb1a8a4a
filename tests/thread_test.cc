// SPDX-License-Identifier: Apache-2.0
//
// The worker is inside, and nobody else: whatever it does, its caller stays where it was.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <stdexcept>
#include <utility>
#include <vector>

#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/rendezvous.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Pair;

TEST(InNetns, OnlyTheWorkerIsInTheTarget) {
  BEHAVIOUR("TH01 TH08");
  REQUIRES(root);
  const ScratchNetns other;
  const auto before = current_netns();
  Rendezvous inside(2);
  Rendezvous seen(2);
  auto bystander = std::async(std::launch::async, [&] {
    inside.meet();
    const auto ids = std::pair(current_netns(), netns_of(::getpid()));
    seen.meet();
    return ids;
  });

  const auto worker = in_netns(Target::process(other.pid()), [&] {
    inside.meet();
    const auto id = current_netns();
    seen.meet();
    return id;
  });

  EXPECT_THAT(worker, IsOkAndHolds(other.id()));
  EXPECT_NE(other.id(), before);
  EXPECT_THAT(bystander.get(), Pair(before, before));
  EXPECT_EQ(current_netns(), before);
}

TEST(Setns, MovesOneThreadOfMany) {
  BEHAVIOUR("TH01");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd netns = other.open("ns/net");
  const Fd pidfd = pidfd_open(other.pid());
  const auto before = current_netns();

  for (const int fd : {netns.get(), pidfd.get()}) {
    const auto moved = std::async(std::launch::async, [&] {
                         const int error = ::setns(fd, CLONE_NEWNET) == 0 ? 0 : errno;
                         return std::pair(error, current_netns());
                       }).get();
    EXPECT_THAT(moved, Pair(0, other.id()));
    EXPECT_EQ(current_netns(), before);
  }
}

TEST(InNetns, EntersByPidfd) {
  BEHAVIOUR("TH01");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd pidfd = pidfd_open(other.pid());

  EXPECT_THAT(in_netns(Target::pidfd(pidfd.get()), current_netns), IsOkAndHolds(other.id()));
  // setns(2) would take it, but it is no namespace file.
  EXPECT_THAT(in_netns(Target::descriptor(pidfd.get()), current_netns),
              FailsAt(Stage::open, EINVAL));
}

TEST(InNetns, ProcSelfNamesTheNamespaceOfTheMainThread) {
  BEHAVIOUR("TH02");
  REQUIRES(root);
  const ScratchNetns other;
  struct Names {
    NamespaceId self;
    NamespaceId thread_self;
  };

  const auto names = in_netns(Target::process(other.pid()), [] {
    const Fd self(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    const Fd thread_self(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    return Names{id_of(self), id_of(thread_self)};
  });

  ASSERT_THAT(names, IsOk());
  EXPECT_EQ(names->self, current_netns());
  EXPECT_EQ(names->thread_self, other.id());
}

TEST(InNetns, CallerNamespaceIsUnchangedWhenTheClosureThrows) {
  BEHAVIOUR("TH08");
  REQUIRES(root);
  const ScratchNetns other;
  const auto before = current_netns();

  EXPECT_THROW((void)in_netns(Target::process(other.pid()), [] { throw std::runtime_error("x"); }),
               std::runtime_error);

  EXPECT_EQ(current_netns(), before);
}

TEST(InNetns, WhereTheClosureLeavesItsThreadMattersToNobody) {
  BEHAVIOUR("TH08 TH09");
  REQUIRES(root);
  const ScratchNetns other;
  const ScratchNetns third;
  const Fd elsewhere = third.open("ns/net");
  const auto target = Target::process(other.pid());
  const auto before = current_netns();

  const auto left = in_netns(target, [&] {
    const int error = ::setns(elsewhere.get(), CLONE_NEWNET) == 0 ? 0 : errno;
    return std::pair(error, current_netns());
  });

  EXPECT_THAT(left, IsOkAndHolds(Pair(0, third.id())));
  EXPECT_EQ(current_netns(), before);
  EXPECT_THAT(in_netns(target, current_netns), IsOkAndHolds(other.id()));
}

TEST(InNetns, ClosureThatCannotGoBackDoesNotHoldTheCaller) {
  BEHAVIOUR("TH10");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd home(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const auto target = Target::process(other.pid());
  const auto before = current_netns();

  const auto errors = in_netns(target, [&] {
    const int dropped = drop_capability(CAP_SYS_ADMIN);
    const int back = ::setns(home.get(), CLONE_NEWNET) == 0 ? 0 : errno;
    return std::pair(dropped, back);
  });

  EXPECT_THAT(errors, IsOkAndHolds(Pair(0, EPERM)));
  EXPECT_EQ(current_netns(), before);
  EXPECT_THAT(in_netns(target, current_netns), IsOkAndHolds(other.id()));
}

/// A thread's own object: tells where it was destroyed.
struct LastSeen {
  std::vector<NamespaceId>* seen = nullptr;
  ~LastSeen() {
    if (seen != nullptr) seen->push_back(current_netns());
  }
};
thread_local LastSeen last_seen;

TEST(InNetns, ThreadLocalsAreDestroyedInsideAfterTheClosure) {
  BEHAVIOUR("TH24");
  REQUIRES(root);
  const ScratchNetns other;
  std::vector<NamespaceId> seen;

  const auto seen_by_closure = in_netns(Target::process(other.pid()), [&] {
    last_seen.seen = &seen;
    return seen.size();
  });

  EXPECT_THAT(seen_by_closure, IsOkAndHolds(0));
  EXPECT_THAT(seen, ::testing::ElementsAre(other.id()));
}

}  // namespace
}  // namespace nsgate::test
