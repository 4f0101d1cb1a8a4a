// SPDX-License-Identifier: Apache-2.0
//
// A pid names whoever has it now; a descriptor stays with the process it was opened for.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cerrno>
#include <string>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/successor.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

Fd open_process_directory(pid_t pid) {
  const auto path = "/proc/" + std::to_string(pid);
  return Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int open_netns_error(const Fd& directory) {
  return error_of(Fd(::openat(directory.get(), "ns/net", O_RDONLY | O_CLOEXEC)));
}

TEST(Netns, DirectoryOfAProcessStaysWithTheProcess) {
  BEHAVIOUR("TR16");
  REQUIRES(own_netns);
  OwnScratch old;
  const Fd directory = open_process_directory(old.pid());
  ASSERT_EQ(open_netns_error(directory), 0);

  old.make_zombie();
  EXPECT_EQ(open_netns_error(directory), ENOENT);
  old.reap();
  EXPECT_EQ(open_netns_error(directory), ESRCH);
}

TEST(Netns, DirectoryOfAProcessNeverShowsTheNextOwnerOfThePid) {
  BEHAVIOUR("TR16");
  REQUIRES(root);
  ScratchNetns old;
  const pid_t pid = old.pid();
  const Fd directory = open_process_directory(pid);
  ASSERT_NE(old.id(), current_netns());
  old.reap();

  const Successor successor(pid);

  EXPECT_EQ(open_netns_error(directory), ESRCH);
  // The number alone leads to the successor, whatever the caller had in mind.
  EXPECT_THAT(in_netns(Target::process(pid), current_netns), IsOkAndHolds(current_netns()));
}

TEST(Setns, PidfdOfAReapedProcessIsEsrch) {
  BEHAVIOUR("TR17");
  REQUIRES(own_netns);
  OwnScratch old;
  const Fd process = pidfd_open(old.pid());
  ASSERT_TRUE(process);

  old.reap();

  EXPECT_EQ(setns_error(process.get(), CLONE_NEWNET), ESRCH);
}

TEST(Setns, PidfdNeverJoinsTheNextOwnerOfThePid) {
  BEHAVIOUR("TR17");
  REQUIRES(root);
  ScratchNetns old;
  const pid_t pid = old.pid();
  const Fd process = pidfd_open(pid);
  old.reap();

  const Successor successor(pid);

  EXPECT_EQ(setns_error(process.get(), CLONE_NEWNET), ESRCH);
  EXPECT_EQ(setns_error(pidfd_open(pid).get(), CLONE_NEWNET), 0);
}

}  // namespace
}  // namespace nsgate::test
