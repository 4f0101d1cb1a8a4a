// SPDX-License-Identifier: Apache-2.0
//
// Resident: one worker that stays inside, and what calls on it share and do not share.
#include "nsgate/resident.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

int threads_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int threads = 0;
    if (word == "Threads:" && status >> threads) return threads;
  }
  return -1;
}

/// The kernel wakes who joins a thread before it takes the thread off the list. A thread that stays
/// is found after the deadline.
bool threads_become(int number) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (threads_of_this_process() != number) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(Resident, EveryCallRunsOnOneThreadInTheTargetAndTheCallerStays) {
  BEHAVIOUR("TH01 TH08");
  REQUIRES(root);
  const ScratchNetns other;
  const auto before = current_netns();
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  const auto first = resident->run([] { return std::pair(::gettid(), current_netns()); });
  const auto second = resident->run([] { return std::pair(::gettid(), current_netns()); });

  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->second, other.id());
  EXPECT_NE(first->first, ::gettid());
  EXPECT_THAT(second, IsOkAndHolds(*first));
  EXPECT_EQ(current_netns(), before);
}

TEST(Resident, LeavesNoThreadAndNoDescriptor) {
  BEHAVIOUR("LT16");
  REQUIRES(root);
  const ScratchNetns other;
  const OpenFds descriptors;
  const int threads = threads_of_this_process();
  {
    auto resident = Resident::open(Target::process(other.pid()));
    ASSERT_THAT(resident, IsOk());
    ASSERT_THAT(resident->run([] {}), IsOk());
    EXPECT_EQ(threads_of_this_process(), threads + 1);
    auto moved = std::move(*resident);
    EXPECT_THAT(moved.run([] { return 3; }), IsOkAndHolds(3));
  }
  EXPECT_TRUE(threads_become(threads));
  EXPECT_EQ(OpenFds(), descriptors);
}

TEST(Resident, ReturnsWhatInNetnsReturns) {
  BEHAVIOUR("XD03");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  int kept = 5;

  const Result<int> flat = resident->run([]() -> Result<int> {
    return std::unexpected(Error{Stage::open, ENOENT});
  });
  auto pointer = resident->run([] { return std::make_unique<int>(7); });
  const auto reference = resident->run([&]() -> int& { return kept; });

  EXPECT_THAT(flat, FailsAt(Stage::open, ENOENT));
  ASSERT_THAT(pointer, IsOk());
  EXPECT_EQ(**pointer, 7);
  ASSERT_THAT(reference, IsOk());
  EXPECT_EQ(&reference->get(), &kept);
}

TEST(Resident, ExceptionReachesTheCallerAndTheWorkerServesOn) {
  BEHAVIOUR("XD01");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  const auto worker = resident->run([] { return ::gettid(); });

  EXPECT_THROW((void)resident->run([] { throw std::out_of_range("far"); }), std::out_of_range);

  EXPECT_THAT(resident->run([] { return ::gettid(); }), IsOkAndHolds(*worker));
}

void expect_told_and_replaced(const std::vector<void (*)()>& deaths) {
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  for (const auto& die : deaths) {
    const int threads = threads_of_this_process();

    EXPECT_THAT(resident->run(die), FailsAt(Stage::worker, 0));
    EXPECT_TRUE(threads_become(threads - 1));
    EXPECT_THAT(resident->run(current_netns), IsOkAndHolds(other.id()));
  }
}

TEST(Resident, DeadWorkerIsAnErrorAndTheNextCallStartsAfresh) {
  BEHAVIOUR("XD04");
  REQUIRES(root);
  expect_told_and_replaced({[] { ::pthread_exit(nullptr); },
                            [] {
                              ::pthread_cancel(::pthread_self());
                              ::pthread_testcancel();
                            }});
}

TEST(Resident, WorkerDeadOfARawExitIsAnErrorAndTheNextCallStartsAfresh) {
  BEHAVIOUR("XD08");
  REQUIRES(unsanitized);
  REQUIRES(root);
  expect_told_and_replaced({[] { ::syscall(SYS_exit, 0); }});
}

/// Of the calling thread, as the kernel will walk it at its end (get_robust_list(2)).
bool holds_a_robust_mutex() {
  robust_list_head* head = nullptr;
  std::size_t size = 0;
  ::syscall(SYS_get_robust_list, 0, &head, &size);
  return head->list.next != &head->list;
}

TEST(Resident, DeadWorkersMutexIsNotLeftToTheCaller) {
  BEHAVIOUR("XD04");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  EXPECT_THAT(resident->run([] { ::pthread_exit(nullptr); }), FailsAt(Stage::worker, 0));

  EXPECT_FALSE(holds_a_robust_mutex());
}

TEST(Resident, ClosureThatMovedTheThreadDoesNotTakeTheNextOneAlong) {
  BEHAVIOUR("TH09 TH10");
  REQUIRES(root);
  const ScratchNetns other;
  const ScratchNetns elsewhere;
  const Fd file = elsewhere.open("ns/net");
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  const auto moved = resident->run([&] {
    ::setns(file.get(), CLONE_NEWNET);
    return current_netns();
  });

  EXPECT_THAT(moved, IsOkAndHolds(elsewhere.id()));
  EXPECT_THAT(resident->run(current_netns), IsOkAndHolds(other.id()));
}

TEST(Resident, WorkerThatCannotBePutRightIsAnErrorAndIsReplaced) {
  BEHAVIOUR("TH09 TH10");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  // Of this thread alone: the bare system call.
  const auto dropped = resident->run([] { return ::syscall(SYS_setresuid, 65534, 65534, 65534); });

  EXPECT_THAT(dropped, IsOkAndHolds(0));
  EXPECT_THAT(resident->run([] {}), FailsAt(Stage::setns_net, EPERM));
  EXPECT_THAT(resident->run(current_netns), IsOkAndHolds(other.id()));
}

TEST(Resident, KeepsItsNamespaceWhenTheTargetHasEnded) {
  BEHAVIOUR("LT01");
  REQUIRES(root);
  ScratchNetns other;
  const auto id = other.id();
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  other.reap();

  EXPECT_THAT(resident->run(current_netns), IsOkAndHolds(id));
}

TEST(Resident, ConcurrentCallsTakeTurns) {
  BEHAVIOUR("NC04");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  constexpr int callers = 4;
  constexpr int calls = 200;
  int unguarded = 0;

  std::vector<std::future<int>> running;
  for (int i = 0; i < callers; ++i) {
    running.push_back(std::async(std::launch::async, [&] {
      int failed = 0;
      for (int n = 0; n < calls; ++n) failed += resident->run([&] { ++unguarded; }) ? 0 : 1;
      return failed;
    }));
  }

  for (auto& caller : running) EXPECT_EQ(caller.get(), 0);
  EXPECT_EQ(unguarded, callers * calls);
}

TEST(Resident, CallFromInsideAClosureRunsThere) {
  BEHAVIOUR("NC01");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  const auto inner = resident->run([&] { return resident->run(current_netns); });

  EXPECT_THAT(inner, IsOkAndHolds(other.id()));
}

TEST(Resident, SignalsOfTheProcessDoNotRunOnIt) {
  BEHAVIOUR("TH17");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  const auto blocked = resident->run([] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, SIGUSR1) == 1 && ::sigismember(&mask, SIGCHLD) == 1;
  });

  EXPECT_THAT(blocked, IsOkAndHolds(true));
}

TEST(Resident, ForkedChildHasAWorkerOfItsOwn) {
  BEHAVIOUR("EX02");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  ASSERT_THAT(resident->run([] {}), IsOk());
  const auto worker = resident->run([] { return ::gettid(); });

  const auto of_child = answer_of_child([&] {
    const auto entered = resident->run([] { return std::pair(::gettid(), current_netns()); });
    struct Answer {
      bool entered;
      pid_t thread;
      NamespaceId netns;
    };
    return entered ? Answer{true, entered->first, entered->second} : Answer{};
  });

  EXPECT_TRUE(of_child.entered);
  EXPECT_NE(of_child.thread, *worker);
  EXPECT_EQ(of_child.netns, other.id());
  EXPECT_THAT(resident->run([] { return ::gettid(); }), IsOkAndHolds(*worker));
}

TEST(Resident, FailsToOpenAsInNetnsFailsToEnter) {
  BEHAVIOUR("CP01");
  REQUIRES(userns);
  const UserScratch other;

  EXPECT_THAT(Resident::open(Target::path("/dev/null")), FailsAt(Stage::open, EINVAL));
  EXPECT_THAT(Resident::open(Target::process(-1)), FailsAt(Stage::open, EINVAL));
}

TEST(Resident, IsRefusedRootless) {
  BEHAVIOUR("TH12 CP01");
  REQUIRES(rootless);
  const UserScratch other;
  const int threads = threads_of_this_process();
  const OpenFds descriptors;

  EXPECT_THAT(Resident::open(Target::process(other.pid())), FailsAt(Stage::setns_net, EPERM));

  EXPECT_TRUE(threads_become(threads));
  EXPECT_EQ(OpenFds(), descriptors);
}

}  // namespace
}  // namespace nsgate::test
