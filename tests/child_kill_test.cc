// SPDX-License-Identifier: Apache-2.0
//
// A child that is killed at any of its system calls is an error of the stage it was in, and never a
// program; in all variants of the child. A program that is killed is a program.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_faults.h"

namespace nsgate::test {
namespace {

using Operation = std::function<Ended()>;

/// The stage that a call is in; a call that is not here is in that of the call before it.
Stage stage_after(Stage before, const std::string& call) {
  static const std::map<std::string, Stage> stages{
      {"child dup3 of stdio", Stage::stdio},
      {"child dup3", Stage::descriptors},
      {"child close_range", Stage::descriptors},
      {"child execveat", Stage::exec},
      {"stub lseek", Stage::exec},
      {"child setns net", Stage::setns_net},
      {"child setns both", Stage::setns_both},
      {"stub setns both", Stage::setns_both},
      {"child setgroups", Stage::credentials},
      {"stub setgroups", Stage::credentials},
      {"child rt_sigaction sets", Stage::credentials},
      {"child execve", Stage::exec},
      {"stub execve", Stage::exec},
  };
  const auto found = stages.find(call);
  return found != stages.end() ? found->second : before;
}

struct Point {
  std::string call;
  int nth;
  Stage stage;
};

/// The system calls of the child until the program; of many alike the first and the last.
std::vector<Point> points_of(const std::vector<std::string>& calls) {
  std::vector<Point> points;
  std::map<std::string, int> counts;
  Stage stage = Stage::clone;
  for (const auto& call : calls) {
    if (!call.starts_with("child") && !call.starts_with("stub")) continue;
    stage = stage_after(stage, call);
    const int nth = counts[call]++;
    const bool many = std::ranges::count(calls, call) > 6;
    if (!many || nth == 0 || nth + 1 == std::ranges::count(calls, call)) {
      points.push_back({call, nth, stage});
    }
  }
  return points;
}

struct Way {
  Fault::Kind kind;
  int signal;
  const char* what;
};

void expect_deaths_told(const Operation& operation, const std::vector<Way>& ways,
                        const std::vector<Fault>& always = {}) {
  const auto whole = trace(operation, always);
  ASSERT_EQ(whole.ended, exited(7));
  ASSERT_FALSE(points_of(whole.calls).empty());
  for (const auto& [call, nth, stage] : points_of(whole.calls)) {
    for (const auto& way : ways) {
      // After it there is no child any more.
      if (way.kind == Fault::Kind::kill_at_exit && call.ends_with("execve")) continue;
      SCOPED_TRACE(call + " #" + std::to_string(nth) + ' ' + way.what);
      auto faults = always;
      faults.push_back({call, nth, way.kind});

      const auto seen = trace(operation, faults);

      EXPECT_EQ(seen.ended, killed(stage, way.signal));
      EXPECT_EQ(seen.left_behind, "");
      EXPECT_EQ(seen.hang, "");
    }
  }
  auto faults = always;
  faults.push_back({"program", 0, Fault::Kind::kill_at_entry});
  EXPECT_EQ(trace(operation, faults).ended, (Ended{true, Stage{}, 0, SIGKILL}));
}

const Way before_call{Fault::Kind::kill_at_entry, SIGKILL, "SIGKILL before"};
const Way after_call{Fault::Kind::kill_at_exit, SIGKILL, "SIGKILL after"};
const Way by_filter{Fault::Kind::forbid, SIGSYS, "SIGSYS"};

/// A death that dumps core takes along who shares the memory before Linux 5.16 (fs/coredump.c).
std::vector<Way> ways_of_sharer() {
  const bool shared_fate = on_this_kernel<bool>({{{0, 0}, true}, {{5, 16}, false}});
  if (shared_fate) return {before_call, after_call};
  return {before_call, after_call, by_filter};
}

const Command exits{.argv = {helper(), "exit", "7"}};

Operation executes_in_both(const ParkedProcess& other) {
  return [&] { return how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()), exits)); };
}

TEST(ExecInNetns, ChildKilledAtAnySystemCallIsAnErrorOfItsStage) {
  BEHAVIOUR("EX23");
  REQUIRES(root);
  const ScratchNetns other;
  const auto operation = [&] {
    return how_it_ended(exec_in_netns(Target::process(other.pid()), exits));
  };
  expect_deaths_told(operation, ways_of_sharer());
}

TEST(ExecInUserNetns, ChildKilledAtAnySystemCallIsAnErrorOfItsStage) {
  BEHAVIOUR("EX23");
  REQUIRES(userns);
  const UserScratch other;
  expect_deaths_told(executes_in_both(other), ways_of_sharer());
}

// The name of the dead tells the stub from the program, and it takes a descriptor to read it.
TEST(ExecInUserNetns, DeathIsUnknownWhereNobodyCanTellWhoDied) {
  BEHAVIOUR("EX23");
  REQUIRES(userns);
  const UserScratch other;
  const Fault unreadable{"caller openat /proc/#/stat", -1, Fault::Kind::error, EMFILE};
  for (const char* dead : {"stub capset", "program"}) {
    const auto seen =
        trace(executes_in_both(other), {{dead, 0, Fault::Kind::kill_at_entry}, unreadable});

    EXPECT_EQ(seen.ended, unknown_end());
    EXPECT_EQ(seen.left_behind, "");
    EXPECT_EQ(seen.faults, 2);
  }
}

TEST(ExecInUserNetns, CopyKilledAtAnySystemCallIsAnErrorOfItsStage) {
  BEHAVIOUR("EX23");
  REQUIRES(userns);
  const UserScratch other;
  expect_deaths_told(executes_in_both(other), {before_call, after_call, by_filter},
                     {{"caller memfd_create nsgate", -1, Fault::Kind::error, EPERM}});
}

}  // namespace
}  // namespace nsgate::test
