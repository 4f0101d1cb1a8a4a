// SPDX-License-Identifier: Apache-2.0
//
// Entering at moments that are not meant for it: in a handler of exit(3), in one of a signal. Core
// is not async-signal-safe, as its headers say: in a handler that interrupts malloc(3) it may wait
// for ever for who was interrupted. In one that interrupts nothing of libc it works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/child_output.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// What entering makes of such a moment; for handlers, which take no argument.
struct Scene {
  pid_t target = 0;
  std::string program;
  NamespaceId inside{};
  Ended closure{};
  Ended executed{};
};
Scene* scene = nullptr;

/// A hang is killed, and so is no answer.
void limit_time() { ::alarm(20); }

void enter() {
  const auto target = Target::process(scene->target);
  scene->closure = how_it_ended(in_netns(target, [] { scene->inside = current_netns(); }));
  scene->executed = how_it_ended(exec_in_netns(target, {.argv = {scene->program, "exit", "3"}}));
}

struct Seen {
  bool arrived;
  Ended closure, executed;
};

void expect_entered(const Seen& seen) {
  EXPECT_TRUE(seen.arrived);
  EXPECT_EQ(seen.closure, exited(0));
  EXPECT_EQ(seen.executed, exited(3));
}

TEST(Netns, IsEnteredInAHandlerOfASignalThatInterruptsNothing) {
  BEHAVIOUR("NC08");
  REQUIRES(own_netns);

  expect_entered(answer_of_owner([] {
    limit_time();
    const ScratchNetns other;
    Scene here{.target = other.pid(), .program = helper()};
    scene = &here;
    ::signal(SIGUSR1, [](int) { enter(); });
    ::raise(SIGUSR1);
    return Seen{here.inside == other.id(), here.closure, here.executed};
  }));
}

/// At exit: tells by the exit code what came of it, since nobody returns from there.
void enter_and_exit() {
  enter();
  const bool arrived = scene->inside == netns_of(scene->target);
  const bool ended = scene->closure == exited(0) && scene->executed == exited(3);
  ::_exit(arrived && ended ? 42 : 43);
}

int exit_status_of_owner(const std::function<void()>& leave) {
  return output_of_child([&] {
           if (unshare_own() != 0) return 1;
           limit_time();
           static Scene here;
           scene = &here;
           here.program = helper();
           static const ScratchNetns other;
           here.target = other.pid();
           leave();
           return 2;
         })
      .status;
}

TEST(Netns, IsEnteredAtExit) {
  BEHAVIOUR("NC08");
  REQUIRES(own_netns);

  const int status = exit_status_of_owner([] {
    std::atexit(&enter_and_exit);
    std::exit(0);
  });

  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

// exit(3) in the closure runs the handlers on the worker, which is inside already.
TEST(Netns, IsEnteredAtAnExitThatTheClosureCalled) {
  BEHAVIOUR("NC08 XD09");
  REQUIRES(own_netns);

  const int status = exit_status_of_owner([] {
    std::atexit(&enter_and_exit);
    (void)in_netns(Target::current(), [] { std::exit(0); });
  });

  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

}  // namespace
}  // namespace nsgate::test
