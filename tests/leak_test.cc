// SPDX-License-Identifier: Apache-2.0
//
// Entering leaves nothing behind, however often: a small number of rounds here, and as many as
// NSGATE_ROUNDS says by hand.
//
//   NSGATE_ROUNDS=100000 nsgate_tests --gtest_filter='Leak.*'
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/ended.h"
#include "support/leftovers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/rounds.h"

namespace nsgate::test {
namespace {

/// The memory mappings of this process, and its resident pages.
struct Memory {
  long mappings = 0;
  long pages = 0;
};

Memory memory() {
  Memory found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) ++found.mappings;
  long size = 0;
  std::ifstream("/proc/self/statm") >> size >> found.pages;
  return found;
}

long mounts() {
  std::ifstream file("/proc/self/mountinfo");
  long count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

struct Attempt {
  const char* what;
  std::function<Ended()> attempt;
  Ended expected;
};

struct Grown {
  bool as_expected = true;
  char left_behind[4096] = {};
  long mounts = 0;
  long mappings = 0;
  long pages = 0;
};

Grown repeat(const Attempt& attempt, int rounds) {
  Grown grown;
  const auto run = [&](int times) {
    for (int round = 0; round < times; ++round) {
      grown.as_expected = grown.as_expected && attempt.attempt() == attempt.expected;
    }
  };
  // The C library keeps a thread's stack, and buffers, from the first rounds on.
  run(3);
  const Leftovers before;
  const long mounts_before = mounts();
  const Memory memory_before = memory();
  run(rounds);
  // A forked child touches much for the first time; and before Linux 6.2 the kernel counts pages in
  // lots (SPLIT_RSS_COUNTING in mm/memory.c). A leak grows in the second half as in the first.
  const Memory memory_half_way = memory();
  run(rounds);
  const Memory memory_after = memory();
  grown.mappings = memory_after.mappings - memory_before.mappings;
  grown.pages = memory_after.pages - memory_half_way.pages;
  grown.mounts = mounts() - mounts_before;
  before.found().copy(grown.left_behind, sizeof grown.left_behind - 1);
  return grown;
}

void expect_no_growth(const std::vector<Attempt>& attempts) {
  for (const auto& attempt : attempts) {
    SCOPED_TRACE(attempt.what);

    const auto grown = answer_of_child([&] { return repeat(attempt, rounds(5)); });

    EXPECT_TRUE(grown.as_expected);
    EXPECT_STREQ(grown.left_behind, "");
    EXPECT_EQ(grown.mounts, 0);
    EXPECT_EQ(grown.mappings, 0);
    EXPECT_LT(grown.pages, 128);
  }
}

const Command no_program{.argv = {"/no/such/program"}};
const Command program{.argv = {helper(), "exit", "0"}};
const Command no_directory{.argv = {helper(), "exit", "0"}, .directory = "/no/such/directory"};
const Command no_descriptor{.argv = {helper(), "exit", "0"}, .stdin_fd = 1023};
const Command no_end{.argv = {helper(), "hang"}, .deadline = std::chrono::milliseconds(0)};

TEST(Leak, InNetnsLeavesNothingBehind) {
  BEHAVIOUR("LT16 CP12");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  const Fd user = other.open("ns/user");
  const auto enter = [](const Target& target) {
    return [=] { return how_it_ended(in_netns(target, [] {})); };
  };
  const auto inside = Target::process(other.pid());
  const Fd net = other.open("ns/net");

  expect_no_growth({
      {"success", enter(inside), exited(0)},
      {"open", enter(Target::path("/dev/null")), refused(Stage::open, EINVAL)},
      {"open of another kind", enter(Target::descriptor(user.get())), refused(Stage::open, EINVAL)},
      {"worker", [&] { return how_it_ended(in_netns(inside, [] { ::pthread_exit(nullptr); })); },
       refused(Stage::worker, 0)},
  });
}

TEST(Leak, ExecInNetnsLeavesNothingBehind) {
  BEHAVIOUR("LT16 CP12");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  const auto inside = Target::process(other.pid());
  const auto exec = [&](const Command& command) {
    return [=] { return how_it_ended(exec_in_netns(inside, command)); };
  };

  expect_no_growth({
      {"success", exec(program), exited(0)},
      {"open", [] { return how_it_ended(exec_in_netns(Target::path("/no/such/path"), program)); },
       refused(Stage::open, ENOENT)},
      {"pipe", exec(no_descriptor), refused(Stage::pipe, EBADF)},
      {"directory", exec(no_directory), refused(Stage::directory, ENOENT)},
      {"exec", exec(no_program), refused(Stage::exec, ENOENT)},
      {"wait", exec(no_end), refused(Stage::wait, ETIMEDOUT)},
  });
}

TEST(Leak, ExecInUserNetnsLeavesNothingBehind) {
  BEHAVIOUR("LT16 CP12");
  REQUIRES(unsanitized);
  REQUIRES(userns);
  const UserScratch other;
  const UserScratch unmapped(UserScratch::Map::none);
  const auto inside = UserTarget::process(other.pid());
  const Fd net = other.open("ns/net");
  const auto exec = [&](const Command& command) {
    return [=] { return how_it_ended(exec_in_user_netns(inside, command)); };
  };

  expect_no_growth({
      {"success", exec(program), exited(0)},
      {"open",
       [&] {
         return how_it_ended(exec_in_user_netns(
             UserTarget::descriptors({.user = net.get(), .net = net.get()}), program));
       },
       refused(Stage::open, EINVAL)},
      {"pipe", exec(no_descriptor), refused(Stage::pipe, EBADF)},
      {"credentials",
       [&] {
         return how_it_ended(exec_in_user_netns(UserTarget::process(unmapped.pid()), program));
       },
       refused(Stage::credentials, EINVAL)},
      {"directory", exec(no_directory), refused(Stage::directory, ENOENT)},
      {"exec", exec(no_program), refused(Stage::exec, ENOENT)},
      {"wait", exec(no_end), refused(Stage::wait, ETIMEDOUT)},
  });
}

/// A process in namespaces of its own; nothing when there is never room for them. The kernel takes
/// a namespace down behind the back of its last user, and tells nobody when it has done so.
std::unique_ptr<ParkedProcess> make_when_there_is_room() {
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < patience) {
    try {
      return std::make_unique<ParkedProcess>(
          [] { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); });
    } catch (const std::system_error& full) {
      if (full.code().value() != ENOSPC) throw;
    }
  }
  return nullptr;
}

/// For a child: in a user namespace that has room for so many network namespaces, which only those
/// who live in it or below use up (namespaces(7)). Returns the round that found no room, or 0, or
/// an errno as a negative number.
int enter_where_there_is_room_for(int netns_count) {
  if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) return -error;
  std::ofstream("/proc/sys/user/max_net_namespaces") << netns_count;
  for (int round = 1; round <= rounds(5); ++round) {
    const auto other = make_when_there_is_room();
    if (!other) return round;
    const auto target = Target::process(other->pid());
    if (!in_netns(target, [] {})) return -EIO;
    if (!exec_in_netns(target, program)) return -EIO;
    if (!exec_in_user_netns(UserTarget::process(other->pid()), program)) return -EIO;
  }
  return 0;
}

TEST(Leak, EnteredNamespaceEndsWithItsLastUser) {
  BEHAVIOUR("LT16");
  REQUIRES(userns);
  EXPECT_EQ(answer_of_child([] { return enter_where_there_is_room_for(4); }), 0);
}

}  // namespace
}  // namespace nsgate::test
