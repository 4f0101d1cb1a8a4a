// SPDX-License-Identifier: Apache-2.0
//
// Workers that end without a result: an error, never a hang, an abort or a success.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <future>
#include <mutex>

#include "nsgate/in_netns.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/rendezvous.h"
#include "support/requirements.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

/// Tells that its scope was left.
class Sentinel {
 public:
  explicit Sentinel(bool& left) : left_(left) {}
  Sentinel(const Sentinel&) = delete;
  ~Sentinel() { left_ = true; }

 private:
  bool& left_;
};

TEST(InNetns, PthreadExitIsAnErrorAfterUnwinding) {
  BEHAVIOUR("XD04 XD05");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const OpenFds before;
  bool unwound = false;

  const auto result = in_netns(target, [&] {
    const Sentinel sentinel(unwound);
    ::pthread_exit(nullptr);
    return 42;
  });

  EXPECT_THAT(result, FailsAt(Stage::worker, 0));
  EXPECT_TRUE(unwound);
  EXPECT_EQ(OpenFds(), before);
  EXPECT_THAT(in_netns(target, [] { return 42; }), IsOkAndHolds(42));
}

TEST(InNetns, PthreadExitOfAVoidClosureIsNoSuccess) {
  BEHAVIOUR("XD04");
  REQUIRES(root);
  const ScratchNetns other;

  EXPECT_THAT(in_netns(Target::process(other.pid()), [] { ::pthread_exit(nullptr); }),
              FailsAt(Stage::worker, 0));
}

TEST(InNetns, PthreadExitOfANestedClosureEndsTheInnerWorkerOnly) {
  BEHAVIOUR("XD04 NC01");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());

  const auto inner = in_netns(target, [&] {
    const auto result = in_netns(target, [] { ::pthread_exit(nullptr); });
    return result ? Stage::open : result.error().stage;
  });

  EXPECT_THAT(inner, IsOkAndHolds(Stage::worker));
}

TEST(InNetns, WorkerCancelledInABlockingCallIsAnErrorAfterUnwinding) {
  BEHAVIOUR("XD05 XD07");
  REQUIRES(root);
  const ScratchNetns other;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Fd read_end(ends[0]);
  const Fd write_end(ends[1]);  // open and silent: the worker reads forever
  const OpenFds before;
  Rendezvous inside(2);
  pthread_t worker{};
  pid_t tid = 0;
  bool unwound = false;
  auto cancel = std::async(std::launch::async, [&] {
    inside.meet();
    wait_until_asleep(tid);
    return ::pthread_cancel(worker);
  });

  const auto result = in_netns(Target::process(other.pid()), [&] {
    const Sentinel sentinel(unwound);
    worker = ::pthread_self();
    tid = ::gettid();
    inside.meet();
    char byte = 0;
    return ::read(read_end.get(), &byte, 1);
  });

  EXPECT_EQ(cancel.get(), 0);
  EXPECT_THAT(result, FailsAt(Stage::worker, 0));
  EXPECT_TRUE(unwound);
  EXPECT_EQ(OpenFds(), before);
}

TEST(InNetns, CancellationThatTheClosureDoesNotMeetChangesNothing) {
  BEHAVIOUR("XD07");
  REQUIRES(root);
  const ScratchNetns other;

  const auto result = in_netns(Target::process(other.pid()), [] {
    ::pthread_cancel(::pthread_self());
    return 42;
  });

  EXPECT_THAT(result, IsOkAndHolds(42));
}

TEST(InNetns, RawExitOfTheThreadIsAnErrorWithoutUnwinding) {
  BEHAVIOUR("XD08");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const OpenFds before;
  bool unwound = false;
  std::mutex mutex;

  const auto result = in_netns(target, [&] {
    const Sentinel sentinel(unwound);
    mutex.lock();
    ::syscall(SYS_exit, 0);
    mutex.unlock();
  });

  EXPECT_THAT(result, FailsAt(Stage::worker, 0));
  EXPECT_FALSE(unwound);
  EXPECT_FALSE(mutex.try_lock());  // held for good
  EXPECT_EQ(OpenFds(), before);
  EXPECT_THAT(in_netns(target, [] { return 42; }), IsOkAndHolds(42));
}

}  // namespace
}  // namespace nsgate::test
