// SPDX-License-Identifier: Apache-2.0
//
// That a call leaves no trace in its caller; and that the looking would find one, which is shown
// with children that a careless implementation would make.
#include "support/caller_traces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/exec_ways.h"
#include "support/joins.h"
#include "support/namespaces.h"
#include "support/plans.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"

namespace nsgate::test {
namespace {

constexpr Traces none{};
constexpr Traces state_changed{
    .state = true, .memory = false, .mappings = false, .children = false};

/// The child that core must not have: one that shares its caller's memory, and more, and does there
/// what it likes.
void in_naive_child(int shared, void (*f)(void*), void* argument = nullptr) {
  struct Call {
    void (*f)(void*);
    void* argument;
  } call{f, argument};
  alignas(16) static std::array<char, 65536> stack;
  const auto run = [](void* its) {
    const auto* what = static_cast<const Call*>(its);
    what->f(what->argument);
    return 0;
  };
  const pid_t pid =
      ::clone(run, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD | shared, &call);
  ::waitpid(pid, nullptr, 0);
}

void join_users_userns(void* files) { (void)join_user(*static_cast<const NamespaceFiles*>(files)); }

TEST(CallerTraces, OfANaiveChildAreFound) {
  BEHAVIOUR("EX11 EX12");
  REQUIRES(unsanitized);
  const auto naive = [](int shared, void (*f)(void*)) {
    return traces_of([&] { in_naive_child(shared, f); });
  };

  EXPECT_EQ(naive(CLONE_FS, [](void*) { ::umask(0123); }), state_changed);
  EXPECT_EQ(naive(CLONE_FS, [](void*) { (void)!::chdir("/proc"); }), state_changed);
  EXPECT_EQ(naive(CLONE_FILES, [](void*) { (void)::dup(0); }), state_changed);
  EXPECT_EQ(naive(CLONE_FILES, [](void*) { ::close(0); }), state_changed);
  EXPECT_EQ(naive(CLONE_SIGHAND, [](void*) { ::signal(SIGUSR1, SIG_IGN); }), state_changed);
  EXPECT_EQ(naive(0, [](void*) { *watched_page = 2; }),
            (Traces{.state = false, .memory = true, .mappings = false, .children = false}));
  EXPECT_EQ(
      naive(0,
            [](void*) { ::mmap(nullptr, 1 << 20, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0); }),
      (Traces{.state = false, .memory = false, .mappings = true, .children = false}));
  // What a child does not share changes nothing.
  EXPECT_EQ(naive(0, [](void*) { ::umask(0123); }), none);
}

TEST(CallerTraces, OfACallerThatForgetsItsMaskOrItsChildAreFound) {
  BEHAVIOUR("EX11 SG01");
  REQUIRES(unsanitized);
  const auto blocks_for_good = [] {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
  };
  const auto never_waits = [] {
    if (::fork() == 0) ::_exit(0);
  };

  EXPECT_EQ(traces_of(blocks_for_good), state_changed);
  EXPECT_TRUE(traces_of(never_waits).children);
}

TEST(CallerTraces, OfANaiveChildInAnotherUsersUsernsAreFound) {
  BEHAVIOUR("UN09");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  NamespaceFiles files(other);

  EXPECT_EQ(traces_of([&] { in_naive_child(0, &join_users_userns, &files); }), state_changed);
  EXPECT_EQ(traces_of([] {
              in_naive_child(0, [](void*) { ::syscall(SYS_setresuid, 1000, 1000, 1000); });
            }),
            state_changed);
}

/// What a program, a failure at each end, and an exception leave behind.
void use_all_ends(const std::function<Result<Finished>(const Command&)>& execute) {
  (void)execute({.argv = {helper(), "exit", "3"}, .stdin_bytes = "x", .own_group = true});
  (void)execute({.argv = {helper(), "signal", "9"}, .pass = {{1, 40}}, .no_new_privs = true});
  (void)execute({.argv = {helper(), "fds"}, .directory = "/", .parent_death_signal = SIGKILL});
  (void)execute({.argv = {"/no/such/program"}});
  (void)execute({.argv = {helper()}, .directory = "/no/such/directory"});
  (void)execute({.argv = {helper(), "ids"}, .credentials = {{.uid = 1, .gid = 1, .groups = {1}}}});
  try {
    (void)execute({.argv = {helper(), "flood"}, .on_output = [](auto, auto) { throw 1; }});
  } catch (int) {
  }
}

TEST(Exec, LeavesNoTraceInItsCaller) {
  BEHAVIOUR("EX12 UN09 CP12");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_EQ(traces_of([&, &run = execute] { use_all_ends(run); }), none);
  }
}

TEST(ExecInUserNetns, LeavesNoTraceInItsCallerByAnyPlanIntoAnotherUsersUserns) {
  BEHAVIOUR("UN08 UN09");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  for (const auto plan : {Plan::automatic, Plan::sequential, Plan::one_shot, Plan::owner_aware}) {
    SCOPED_TRACE(to_string(plan));

    EXPECT_EQ(traces_of([&] {
                use_all_ends([&](const Command& command) {
                  return exec_in_user_netns(UserTarget::process(other.pid()), command, plan);
                });
              }),
              none);
  }
}

TEST(ExecInUserNetns, LeavesNoTraceInItsCallerWithoutTheStub) {
  BEHAVIOUR("UN09");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);

  const auto traces = answer_of_child([&] {
    if (refuse_syscall(SYS_memfd_create, EPERM) != 0) return state_changed;
    return traces_of([&] {
      use_all_ends([&](const Command& command) {
        return exec_in_user_netns(descriptors_of(files), command);
      });
    });
  });

  EXPECT_EQ(traces, none);
}

}  // namespace
}  // namespace nsgate::test
