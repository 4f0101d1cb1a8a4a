// SPDX-License-Identifier: Apache-2.0
//
// Resident beyond its ordinary life: a worker that died, a process that forked, an object that was
// moved from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>

#include "nsgate/resident.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// Whether the calling thread is the owner of a robust mutex, as far as the kernel knows
/// (get_robust_list(2)).
bool holds_a_robust_mutex() {
  robust_list_head* head = nullptr;
  std::size_t size = 0;
  return ::syscall(SYS_get_robust_list, 0, &head, &size) != 0 || head->list.next != &head->list;
}

TEST(Resident, DeadWorkerLeavesNothingInTheListsOfTheCallersThread) {
  BEHAVIOUR("XD04");
  REQUIRES(root);
  REQUIRES(unsanitized);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());

  EXPECT_THAT(resident->run([] { ::pthread_exit(nullptr); }), FailsAt(Stage::worker, 0));

  EXPECT_FALSE(holds_a_robust_mutex());
}

TEST(Resident, MovedFromIsRefusedInsteadOfRunningInTheCaller) {
  BEHAVIOUR("NC06");
  REQUIRES(root);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  const Resident taken = std::move(*resident);
  bool ran = false;

  EXPECT_THAT(resident->run([&] { ran = true; }), FailsAt(Stage::open, EBADF));

  EXPECT_FALSE(ran);
}

TEST(Resident, ForkThatReturnsInBothProcessesEndsTheChildWithStatus0) {
  BEHAVIOUR("XD10");
  REQUIRES(root);
  REQUIRES(unsanitized);
  const ScratchNetns other;
  auto resident = Resident::open(Target::process(other.pid()));
  ASSERT_THAT(resident, IsOk());
  // Else the child would print again what is still in the buffers of the test's own streams.
  std::fflush(nullptr);

  const auto pid = resident->run([] { return ::fork(); });

  ASSERT_THAT(pid, IsOkAndHolds(::testing::Gt(0)));
  const Fd process = pidfd_open(*pid);
  pollfd end{process.get(), POLLIN, 0};
  const bool ended = ::poll(&end, 1, 10'000) == 1;
  if (!ended) ::kill(*pid, SIGKILL);
  int status = -1;
  EXPECT_EQ(::waitpid(*pid, &status, 0), *pid);
  EXPECT_TRUE(ended) << "it stayed for ever";
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(resident->run(current_netns), IsOkAndHolds(other.id()));
}

}  // namespace
}  // namespace nsgate::test
