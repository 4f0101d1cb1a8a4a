// SPDX-License-Identifier: Apache-2.0
//
// Threads that allocate, fork and enter by all ways at once. A few rounds here, and as many as
// NSGATE_ROUNDS says by hand.
//
//   NSGATE_ROUNDS=10000 nsgate_tests --gtest_filter='Stress.*'
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "support/ended.h"
#include "support/leftovers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/rounds.h"

namespace nsgate::test {
namespace {

bool probe_no_asan() {
#ifdef __SANITIZE_ADDRESS__
  return false;
#else
  return true;
#endif
}

const Requirement no_asan{
    "no_asan",
    "a build without AddressSanitizer, whose allocator does not survive fork(2) with threads",
    &probe_no_asan};

struct Seen {
  int wrong = 0;
  char left_behind[4096] = {};
};

bool prints(const Result<Finished>& ended, const std::string& line) {
  return ended && ended->succeeded() && ended->out == line;
}

bool fails(const Result<Finished>& ended, Stage stage, int code) {
  return how_it_ended(ended) == refused(stage, code);
}

void allocate() { std::vector<std::string>(64, std::string(100, 'x')); }

/// A child that allocates and ends, and is waited for by its pid.
bool fork_and_allocate() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    allocate();
    ::_exit(7);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

/// For a child without children.
Seen enter_from_eight_threads(pid_t other) {
  const auto target = Target::process(other);
  const auto both = UserTarget::process(other);
  const auto netns = netns_of(other);
  const auto line = ::testing::PrintToString(netns) + '\n';
  const Command prints_netns{.argv = {helper(), "netns"}};
  const Command nothing{.argv = {"/no/such/program"}};
  Seen seen;
  std::atomic<int> wrong = 0;
  const Leftovers before;
  {
    auto resident = Resident::open(target);
    if (!resident) return {-1};
    const auto stay = [&] {
      const auto inside = resident->run(current_netns);
      return inside && *inside == netns;
    };
    const std::array<std::function<bool()>, 8> lives{
        [] { return allocate(), true; },
        &fork_and_allocate,
        stay,
        stay,
        [&] {
          const auto inside = in_netns(target, current_netns);
          return inside && *inside == netns;
        },
        [&] {
          const auto inside = in_netns(target, &fork_and_allocate);
          return inside && *inside;
        },
        [&] {
          return prints(exec_in_netns(target, prints_netns), line) &&
                 fails(exec_in_netns(target, nothing), Stage::exec, ENOENT);
        },
        [&] {
          return prints(exec_in_user_netns(both, prints_netns), line) &&
                 fails(exec_in_user_netns(both, nothing), Stage::exec, ENOENT);
        },
    };
    std::vector<std::jthread> threads;
    for (const auto& live : lives) {
      threads.emplace_back([&] {
        for (int round = 0; round < rounds(20); ++round) {
          if (!live()) ++wrong;
        }
      });
    }
  }
  seen.wrong = wrong;
  before.found().copy(seen.left_behind, sizeof seen.left_behind - 1);
  return seen;
}

/// For a child, which becomes root in a user namespace of its own, so that it may enter by every
/// way what it makes below.
template <typename F>
Seen as_owner_of_both(F f) {
  if (unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET) != 0) return {-1};
  const ParkedProcess other([] { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); });
  return answer_of_child([&] { return f(other.pid()); });
}

TEST(Stress, ThreadsThatAllocateForkAndEnterDoNotDisturbOneAnother) {
  BEHAVIOUR("EX02 NC04");
  REQUIRES(userns);
  REQUIRES(no_asan);

  const auto seen = answer_of_child([] { return as_owner_of_both(&enter_from_eight_threads); });

  EXPECT_EQ(seen.wrong, 0);
  EXPECT_STREQ(seen.left_behind, "");
}

std::ptrdiff_t pipes_of(pid_t pid) {
  namespace fs = std::filesystem;
  const auto is_pipe = [](const auto& fd) {
    std::error_code gone;
    return fs::read_symlink(fd.path(), gone).string().starts_with("pipe:");
  };
  return std::ranges::count_if(fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"),
                               is_pipe);
}

/// For a child. Another thread forks children that live on, until so many of them have copies of
/// the pipes of an entry. The entries must not wait for those.
Seen enter_while_others_keep_copies_of_the_pipes(pid_t other) {
  const auto target = Target::process(other);
  const auto both = UserTarget::process(other);
  const Command program{.argv = {helper(), "exit", "7"}};
  const Command nothing{.argv = {"/no/such/program"}, .until = Command::Until::end_of_file};
  std::atomic<bool> over = false;
  const auto without_copies = pipes_of(ParkedProcess([] { return 0; }).pid());
  std::jthread forker([&] {
    std::vector<std::unique_ptr<ParkedProcess>> kept;
    for (int copies = 0; copies < rounds(20);) {
      kept.push_back(std::make_unique<ParkedProcess>([] { return 0; }));
      if (pipes_of(kept.back()->pid()) > without_copies) {
        ++copies;
      } else {
        kept.pop_back();
      }
    }
    over = true;
  });
  Seen seen;
  while (!over) {
    if (how_it_ended(exec_in_netns(target, program)) != exited(7)) ++seen.wrong;
    if (!fails(exec_in_netns(target, nothing), Stage::exec, ENOENT)) ++seen.wrong;
    if (how_it_ended(exec_in_user_netns(both, program)) != exited(7)) ++seen.wrong;
    if (!fails(exec_in_user_netns(both, nothing), Stage::exec, ENOENT)) ++seen.wrong;
  }
  return seen;
}

TEST(Stress, ForeignChildrenWithCopiesOfThePipesDelayNothing) {
  BEHAVIOUR("EX02 NC04");
  REQUIRES(userns);

  const auto seen = answer_of_child(
      [] { return as_owner_of_both(&enter_while_others_keep_copies_of_the_pipes); });

  EXPECT_EQ(seen.wrong, 0);
}

}  // namespace
}  // namespace nsgate::test
