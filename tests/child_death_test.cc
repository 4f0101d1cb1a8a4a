// SPDX-License-Identifier: Apache-2.0
//
// A child that is killed on its way to the program: no program ran, so it must not look as if one
// had died.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"

namespace nsgate::test {
namespace {

int status_of_child(void (*live)()) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    live();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

Ended ended_with_fatal(long number, const std::function<Result<Finished>(const Command&)>& execute,
                       const Command& command) {
  return answer_of_child([&] {
    if (const int error = kill_on_syscall(number); error != 0) return refused(Stage::wait, error);
    return how_it_ended(execute(command));
  });
}

/// Whether a child that dumps core at this stage takes its caller along (see CoreDump below).
bool shares_its_fate(const std::string& way, Stage stage) {
  // The stub, which joins and executes for exec_in_user_netns, has memory of its own.
  const bool shared_memory = way == "exec_in_netns" || stage < Stage::setns_user;
  // fs/coredump.c: only the thread group since Linux 5.16.
  return shared_memory && on_this_kernel<bool>({{{0, 0}, true}, {{5, 16}, false}});
}

struct Point {
  long number;
  Stage stage;
};

TEST(Exec, ChildKilledOnItsWayIsAnErrorOfTheStageItWasIn) {
  BEHAVIOUR("EX23 PP12");
  REQUIRES(userns);
  const Command command{.argv = {helper(), "exit", "0"}};
  for (const auto& [way, execute] : exec_ways()) {
    const Stage joining = way == "exec_in_netns" ? Stage::setns_net : Stage::setns_both;
    for (const auto& [number, stage] :
         {Point{SYS_dup3, Stage::stdio}, Point{SYS_close_range, Stage::descriptors},
          Point{SYS_setns, joining}, Point{SYS_execve, Stage::exec}}) {
      if (shares_its_fate(way, stage)) continue;
      SCOPED_TRACE(way + ", killed at " + std::string(to_string(stage)));
      EXPECT_EQ(ended_with_fatal(number, execute, command), killed(stage, SIGSYS));
    }
  }
}

TEST(Exec, ChildKilledOnItsWayIsAnErrorAlsoWhenItsEndCannotBeKnown) {
  BEHAVIOUR("EX15 EX23");
  REQUIRES(userns);
  const Command command{.argv = {helper(), "exit", "0"}};
  for (const auto& [way, execute] : exec_ways()) {
    if (shares_its_fate(way, Stage::exec)) continue;
    SCOPED_TRACE(way);

    const auto ended = answer_of_child([&, &run = execute] {
      ::signal(SIGCHLD, SIG_IGN);
      if (const int error = kill_on_syscall(SYS_execve); error != 0) {
        return refused(Stage::wait, error);
      }
      return how_it_ended(run(command));
    });

    EXPECT_FALSE(ended.started);
    EXPECT_EQ(ended.stage, Stage::exec);
  }
}

// SIGSYS dumps core, and then every process that shares the memory dies along.
TEST(CoreDump, TakesAlongWhoSharesMemoryBeforeLinux516) {
  BEHAVIOUR("EX12 EX23");
  const int status = status_of_child([] {
    alignas(16) std::array<char, 16384> stack;
    const auto die = [](void*) { return kill_on_syscall(SYS_getppid) == 0 ? ::getppid() : 0; };
    ::clone(die, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
  });

  // fs/coredump.c: only the thread group since Linux 5.16.
  EXPECT_EQ(status, on_this_kernel<int>({{{0, 0}, SIGSYS}, {{5, 16}, 0}}));
}

TEST(Exec, ProgramKilledByTheSameSignalDidRun) {
  BEHAVIOUR("EX23");
  REQUIRES(userns);
  const Command command{.argv = {helper(), "signal", std::to_string(SIGSYS)}};
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute(command);

    ASSERT_THAT(ended, IsOk());
    EXPECT_EQ(how_it_ended(ended).signal, SIGSYS);
  }
}

struct Call {
  std::function<Result<Finished>()> execute;
  std::optional<Result<Finished>> result;
};

/// What a thread ended with that had been asked to cancel when it called `execute`.
void* end_of_cancelled(Call& call) {
  pthread_t thread{};
  const auto main = [](void* argument) -> void* {
    auto& given = *static_cast<Call*>(argument);
    ::pthread_cancel(::pthread_self());
    given.result = given.execute();
    ::pthread_testcancel();
    return nullptr;
  };
  if (::pthread_create(&thread, nullptr, main, &call) != 0) return nullptr;
  void* end = nullptr;
  ::pthread_join(thread, &end);
  return end;
}

// A destructor that met the request in close(2) would end the process.
TEST(Exec, PendingCancellationDoesNotTouchACallThatStartsNoChild) {
  BEHAVIOUR("EX02");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  const UserScratch other;
  const Fd net = other.open("ns/net");
  const auto swapped = UserTarget::descriptors({.user = net.get(), .net = net.get()});
  const Command command{.argv = {helper(), "exit", "3"}};
  Call joining{[&] { return exec_in_user_netns(swapped, command); }, std::nullopt};
  Call opening{[&] { return exec_in_netns(Target::path("/dev/null"), command); }, std::nullopt};

  for (Call* call : {&joining, &opening}) {
    EXPECT_EQ(end_of_cancelled(*call), PTHREAD_CANCELED);
    ASSERT_TRUE(call->result);
    EXPECT_THAT(*call->result, FailsAt(Stage::open, EINVAL));
  }
}

// A child that met the request would unwind the caller's frames.
TEST(Exec, PendingCancellationUnwindsACallWhoseChildFails) {
  BEHAVIOUR("EX02");
  REQUIRES(userns);
  auto ways = exec_ways();
  ways["of oneself in sequence"] = [](const Command& command) {
    return exec_in_user_netns(UserTarget::process(::getpid()), command, Plan::sequential);
  };
  for (const auto& [way, execute] : ways) {
    SCOPED_TRACE(way);
    Call call{[&run = execute] { return run({.argv = {"/no/such/program"}}); }, std::nullopt};
    const OpenFds before;

    EXPECT_EQ(end_of_cancelled(call), PTHREAD_CANCELED);
    EXPECT_FALSE(call.result);

    EXPECT_LE(::waitpid(-1, nullptr, WNOHANG | __WALL), 0) << "a child was not reaped";
    EXPECT_EQ(OpenFds(), before);
  }
}

}  // namespace
}  // namespace nsgate::test
