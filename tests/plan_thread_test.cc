// SPDX-License-Identifier: Apache-2.0
//
// A thread that is not its process's leader as the target of both namespaces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/plans.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

/// For a child: its leading thread is in one network namespace of its user namespace, a second
/// thread in another.
int two_threads_in_a_userns() {
  if (const int error = net_owned_by_user(); error != 0) return error;
  static std::promise<int> moved;
  std::thread([] {
    moved.set_value(error_of(::unshare(CLONE_NEWNET)));
    ::pause();
  }).detach();
  return moved.get_future().get();
}

pid_t other_thread_of(pid_t pid) {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    const pid_t tid = std::stoi(task.path().filename());
    if (tid != pid) return tid;
  }
  return -1;
}

TEST(Plan, OneShotOfAThreadNeedsAPidfdOfThreadsAndAutomaticDoesWithout) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const ParkedProcess process(&two_threads_in_a_userns);
  const auto thread = UserTarget::thread(process.pid(), other_thread_of(process.pid()));
  // pidfd_open(2): PIDFD_THREAD since Linux 6.9.
  const Ended one_shot =
      on_this_kernel<Ended>({{{0, 0}, refused(Stage::open, EOPNOTSUPP)}, {{6, 9}, entered}});

  EXPECT_EQ(try_plans(thread), (Plans{entered, entered, one_shot, entered}));
}

TEST(Plan, ThreadMeansItsOwnNetnsAndNotThatOfItsLeader) {
  BEHAVIOUR("UN05");
  REQUIRES(userns);
  const ParkedProcess process(&two_threads_in_a_userns);
  const pid_t tid = other_thread_of(process.pid());
  const auto its_netns = ::testing::PrintToString(netns_of(tid)) + '\n';
  ASSERT_NE(netns_of(tid), netns_of(process.pid()));

  for (const auto plan : {Plan::automatic, Plan::sequential, Plan::owner_aware}) {
    EXPECT_THAT(exec_in_user_netns(UserTarget::thread(process.pid(), tid),
                                   {.argv = {helper(), "netns"}}, plan),
                Prints(its_netns));
  }
}

}  // namespace
}  // namespace nsgate::test
