// SPDX-License-Identifier: Apache-2.0
//
// The threads, processes and programs that a worker starts are inside, too, and stay there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <future>
#include <string>

#include "helper/helper.h"
#include "nsgate/in_netns.h"
#include "support/child_output.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/rendezvous.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

std::string line_of(const NamespaceId& id) { return ::testing::PrintToString(id) + '\n'; }

TEST(InNetns, ThreadsStartedInsideStayInside) {
  BEHAVIOUR("TH05");
  REQUIRES(root);
  const ScratchNetns other;
  Rendezvous worker_ended(2);

  auto left_behind = in_netns(Target::process(other.pid()), [&] {
    return std::async(std::launch::async, [&] {
      worker_ended.meet();
      return current_netns();
    });
  });

  ASSERT_THAT(left_behind, IsOk());
  worker_ended.meet();
  EXPECT_EQ(left_behind->get(), other.id());
}

TEST(InNetns, ThreadLeftBehindKeepsTheNamespaceAlive) {
  BEHAVIOUR("TH25");
  REQUIRES(root);
  ScratchNetns other;
  const auto id = other.id();
  Rendezvous process_ended(2);
  std::promise<pid_t> tid;

  auto left_behind = in_netns(Target::process(other.pid()), [&] {
    return std::async(std::launch::async, [&] {
      tid.set_value(::gettid());
      process_ended.meet();
    });
  });
  ASSERT_THAT(left_behind, IsOk());
  other.reap();
  const auto task = "/proc/self/task/" + std::to_string(tid.get_future().get()) + "/ns/net";
  const auto entered = in_netns(Target::path(task), current_netns);
  process_ended.meet();

  EXPECT_THAT(entered, IsOkAndHolds(id));
}

TEST(InNetns, ProcessesForkedInsideAreInside) {
  BEHAVIOUR("TH06");
  REQUIRES(root);
  const ScratchNetns other;

  const auto forked = in_netns(Target::process(other.pid()),
                               [] { return answer_of_child([] { return current_netns(); }); });

  EXPECT_THAT(forked, IsOkAndHolds(other.id()));
}

/// For a child: starts the helper's verb `netns`, which inherits stdout, and waits for it.
int spawn_helper() {
  std::string program = helper();
  std::string verb = "netns";
  const std::array<char*, 3> argv{program.data(), verb.data(), nullptr};
  pid_t pid = -1;
  int status = 0;
  if (const int error =
          ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ);
      error != 0) {
    return error;
  }
  return ::waitpid(pid, &status, 0) == pid ? status : errno;
}

TEST(InNetns, ProcessesSpawnedInsideAreInside) {
  BEHAVIOUR("TH06");
  REQUIRES(root);
  const ScratchNetns other;

  const auto child = output_of_child(
      [&] { return in_netns(Target::process(other.pid()), &spawn_helper).value_or(-1); });

  EXPECT_EQ(child.status, 0);
  EXPECT_EQ(child.out, line_of(other.id()));
}

TEST(InNetns, ProgramExecutedByTheClosureTakesTheProcessInside) {
  BEHAVIOUR("TH07");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const std::string program = helper();

  const auto netns = output_of_child([&] {
    return in_netns(target, [&] { return ::execl(program.c_str(), "-", "netns", nullptr); })
        .value_or(-1);
  });
  const auto pid = output_of_child([&] {
    return in_netns(target, [&] { return ::execl(program.c_str(), "-", "status", "Pid", nullptr); })
        .value_or(-1);
  });

  EXPECT_EQ(netns.out, line_of(other.id()));
  EXPECT_EQ(pid.out, std::to_string(pid.pid) + '\n');
}

}  // namespace
}  // namespace nsgate::test
