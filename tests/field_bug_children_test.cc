// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about the child between fork and exec and about what its parent makes of its
// end. As in field_bug_threads_test.cc, each test holds the mistake and a check that finds it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "field_bugs/hooked_command.h"
#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/rendezvous.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

int join_own() {
  const Fd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  return setns_error(own.get(), CLONE_NEWNET);
}

using Argv = std::vector<std::string>;
using Runner = Ended (*)(const Argv& argv);

/// Enters the namespace that the caller is in.
Ended run_by_core(const Argv& argv) {
  return how_it_ended(exec_in_netns(Target::current(), {.argv = argv}));
}

// ---- What the child failed of ----

/// The mistake, `setns(…).map_err(io::Error::other)` in a pre_exec: such an error has no errno, and
/// Command sends `raw_os_error().unwrap_or(EINVAL)`.
Ended run_and_wrap_the_error(const Argv& argv) {
  return run_hooked(argv, [] { return join_own() == 0 ? 0 : EINVAL; });
}

/// An entry to which the caller has no right.
Ended refused_entry(Runner run) {
  const std::string program = helper();
  return answer_of_child([&] {
    const int error = become_unprivileged();
    return error != 0 ? exited(error) : run({program, "exit", "0"});
  });
}

// jdx/mise PR#11853; pelagos PR#419, #416, #1 and #6: "Invalid argument (os error 22)".
TEST(FieldBug, RefusedEntryIsReportedAsAnInvalidArgument) {
  BEHAVIOUR("EX03");
  EXPECT_EQ(refused_entry(&run_and_wrap_the_error), refused(Stage::exec, EINVAL));
  EXPECT_EQ(refused_entry(&run_by_core), refused(Stage::setns_net, EPERM));
}

enum class Parent { told_why, panicked };

/// A refused entry of a caller that ignores SIGCHLD, so that no child leaves a status.
template <typename Run>
Parent parent_of_a_refused_child(Run run) {
  return answer_of_child([&] {
    ::signal(SIGCHLD, SIG_IGN);
    if (become_unprivileged() != 0) return Parent{-1};
    try {
      return run({"/"}).code == EPERM ? Parent::told_why : Parent{-1};
    } catch (const Panic&) {
      return Parent::panicked;
    }
  });
}

// rust-lang/rust#110317.
TEST(FieldBug, ParentThatIgnoresItsChildrenPanicsWhenOneFails) {
  BEHAVIOUR("EX15");
  EXPECT_EQ(parent_of_a_refused_child([](const Argv& argv) { return run_hooked(argv, &join_own); }),
            Parent::panicked);
  EXPECT_EQ(parent_of_a_refused_child(&run_by_core), Parent::told_why);
}

// ---- How the program ended ----

/// The mistake: the exit status is read of a program that did not exit.
int code_of_a_status(const std::string& signal) {
  const auto child = start_hooked({helper(), "signal", signal}, &join_own);
  int status = -1;
  ::waitpid(child.pid, &status, 0);
  return WEXITSTATUS(status);
}

int code_by_core(const std::string& signal) {
  return exit_code(exec_in_netns(Target::current(), {.argv = {helper(), "signal", signal}}));
}

int code_of_a_killed_program(int (*code)(const std::string& signal)) {
  return answer_of_owner([=] { return code(std::to_string(SIGKILL)); });
}

// linux-test-project/ltp testcases/lib/tst_ns_exec.c.
TEST(FieldBug, ProgramKilledByASignalCountsAsSuccess) {
  BEHAVIOUR("EX05 SG04");
  REQUIRES(own_netns);
  EXPECT_EQ(code_of_a_killed_program(&code_of_a_status), 0);
  EXPECT_EQ(code_of_a_killed_program(&code_by_core), 128 + SIGKILL);
}

// ---- Locks of other threads ----

/// An allocator as tcmalloc and jemalloc once were: one lock, of which fork knows nothing.
class Allocator {
 public:
  void allocate() { const std::scoped_lock lock(mutex_); }
  std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;
};

/// 'S': asleep. Whoever may not trace is told it too (proc_pid_stat(5)).
char state_of(pid_t pid) {
  std::string line;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::getline(stat, line);
  return line.at(line.rfind(')') + 2);
}

/// Waits until a child, which is alone in its memory and has nothing to wait for but a lock, either
/// ended or waits for it.
bool waits_for_nobody(pid_t pid) {
  for (char state = 'R'; state != 'Z'; state = state_of(pid)) {
    if (state == 'S') return true;
    ::sched_yield();
  }
  return false;
}

/// Whether the program came to run.
using RunBeside = bool (*)(Allocator& allocator);

/// The mistake: formatting, a container, a closure: something allocates between fork and exec.
bool run_and_allocate_in_the_child(Allocator& allocator) {
  const auto child = start_hooked({helper(), "exit", "0"}, [&] {
    allocator.allocate();
    return join_own();
  });
  const bool hangs = waits_for_nobody(child.pid);
  if (hangs) ::kill(child.pid, SIGKILL);
  const Ended ended = end_of(child);
  return !hangs && ended == exited(0);
}

bool run_each_way_of_core(Allocator&) {
  const Command command{.argv = {helper(), "exit", "0"}};
  return how_it_ended(exec_in_netns(Target::current(), command)) == exited(0) &&
         how_it_ended(exec_in_user_netns(UserTarget::process(::getpid()), command)) == exited(0);
}

/// Runs a program while another thread is in the middle of an allocation, and stays there.
bool comes_to_run_beside_an_allocation(RunBeside run) {
  return answer_of_owner([=] {
    Allocator allocator;
    Rendezvous allocating(2);
    Rendezvous done(2);
    std::thread other([&] {
      const std::scoped_lock lock(allocator.mutex());
      allocating.meet();
      done.meet();
    });
    allocating.meet();
    const bool ran = run(allocator);
    done.meet();
    other.join();
    return ran;
  });
}

// h5i#445, gperftools#178, #499 and #1570, snmalloc#735 and #630, felix86#767,
// python/cpython#120998, pyroute2#1213. That core's own child makes nothing but system calls is the
// test child_symbols.
TEST(FieldBug, ChildOfAThreadedProgramHangsInAnAllocation) {
  BEHAVIOUR("EX02");
  REQUIRES(own_netns);
  EXPECT_FALSE(comes_to_run_beside_an_allocation(&run_and_allocate_in_the_child));
  EXPECT_TRUE(comes_to_run_beside_an_allocation(&run_each_way_of_core));
}

}  // namespace
}  // namespace nsgate::test
