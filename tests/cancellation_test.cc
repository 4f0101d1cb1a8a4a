// SPDX-License-Identifier: Apache-2.0
//
// Callers that are cancelled (pthread_cancel(3)) while they enter: what they have started is ended
// before they leave, and the process lives on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/rendezvous.h"
#include "support/requirements.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

/// A caller that the closure cancels.
struct Cancelled {
  bool closure_ended;
  bool left_early;  // the caller's frame was gone before the closure had ended
  bool left;
  bool acted_upon;  // the cancellation took effect after all
};

struct Scene {
  Target target;
  pthread_t caller{};
  pid_t caller_tid = 0;
  std::atomic<bool> left = false;
  bool closure_ended = false;
  bool left_early = false;
};

void* call_and_be_cancelled(void* argument) {
  auto& scene = *static_cast<Scene*>(argument);
  struct Frame {
    Scene& scene;
    ~Frame() { scene.left = true; }
  };
  scene.caller = ::pthread_self();
  scene.caller_tid = ::gettid();
  const Frame frame{scene};
  (void)in_netns(scene.target, [&scene] {
    ::pthread_cancel(scene.caller);
    // The caller either waits on, as it must, or has followed the cancellation out of its frame.
    wait_until_asleep(scene.caller_tid);
    scene.left_early = scene.left;
    scene.closure_ended = true;
  });
  ::pthread_testcancel();
  return nullptr;
}

/// For a child, which such a mistake would abort.
Cancelled cancel_caller(const Target& target) {
  Scene scene{.target = target};
  pthread_t caller{};
  void* end = nullptr;
  ::pthread_create(&caller, nullptr, &call_and_be_cancelled, &scene);
  ::pthread_join(caller, &end);
  return {scene.closure_ended, scene.left_early, scene.left, end == PTHREAD_CANCELED};
}

void expect_waited(const Cancelled& cancelled) {
  EXPECT_TRUE(cancelled.closure_ended);
  EXPECT_FALSE(cancelled.left_early);
  EXPECT_TRUE(cancelled.left);
  EXPECT_TRUE(cancelled.acted_upon);
}

TEST(InNetns, CancelledCallerWaitsForTheClosure) {
  BEHAVIOUR("XD07");
  REQUIRES(own_netns);

  expect_waited(answer_of_owner([] {
    const ScratchNetns other;
    const Fd netns = other.open("ns/net");
    return cancel_caller(Target::descriptor(netns.get()));
  }));
}

TEST(InNetns, CancelledCallerClosesTheNamespaceFileWithoutAborting) {
  BEHAVIOUR("XD05 XD07");
  REQUIRES(own_netns);

  expect_waited(answer_of_owner([] {
    const ScratchNetns other;
    return cancel_caller(Target::process(other.pid()));
  }));
}

struct Execution {
  Target target;
  Command command;
  pid_t tid = 0;
  Rendezvous begun{2};
};

struct Aftermath {
  bool cancelled;
  bool childless;
  bool same_fds;
};

/// For a child: runs `thread` on an Execution, lets `meanwhile` act on it, and looks at what is
/// left of it.
Aftermath execute_and_be_cancelled(Command command, void* (*thread)(void*),
                                   void (*meanwhile)(pthread_t, Execution&)) {
  ScratchNetns other;
  const Fd netns = other.open("ns/net");
  // Silent until this process ends, and with it whatever still reads.
  std::array<int, 2> input{};
  ::pipe2(input.data(), O_CLOEXEC);
  command.stdin_fd = input[0];
  Execution execution{.target = Target::descriptor(netns.get()), .command = command};
  const OpenFds before;
  pthread_t caller{};
  void* end = nullptr;
  ::pthread_create(&caller, nullptr, thread, &execution);
  meanwhile(caller, execution);
  ::pthread_join(caller, &end);
  const bool same_fds = OpenFds() == before;
  other.reap();
  return {end == PTHREAD_CANCELED, ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD,
          same_fds};
}

TEST(ExecInNetns, CancelledCallerEndsAndReapsTheProgram) {
  BEHAVIOUR("XD07");
  REQUIRES(own_netns);

  const auto aftermath = answer_of_owner([] {
    return execute_and_be_cancelled(
        {.argv = {helper(), "stdin"}},
        [](void* argument) -> void* {
          auto& execution = *static_cast<Execution*>(argument);
          execution.tid = ::gettid();
          execution.begun.meet();
          (void)exec_in_netns(execution.target, execution.command);
          return nullptr;
        },
        [](pthread_t caller, Execution& execution) {
          execution.begun.meet();
          wait_until_asleep(execution.tid);
          ::pthread_cancel(caller);
        });
  });

  EXPECT_TRUE(aftermath.cancelled);
  EXPECT_TRUE(aftermath.childless);
  EXPECT_TRUE(aftermath.same_fds);
}

void* execute_already_cancelled(void* argument) {
  auto& execution = *static_cast<Execution*>(argument);
  ::pthread_cancel(::pthread_self());
  (void)exec_in_netns(execution.target, execution.command);
  ::pthread_testcancel();
  return nullptr;
}

TEST(ExecInNetns, PendingCancellationIsTheCallersAndNotTheChilds) {
  BEHAVIOUR("XD07");
  REQUIRES(own_netns);
  const auto leave_alone = [](pthread_t, Execution&) {};

  // One that cannot be executed, and one that would not end by itself.
  for (const std::string& program : {std::string("/"), helper()}) {
    const auto aftermath = answer_of_owner([&] {
      return execute_and_be_cancelled({.argv = {program, "stdin"}}, &execute_already_cancelled,
                                      leave_alone);
    });
    EXPECT_TRUE(aftermath.cancelled) << program;
    EXPECT_TRUE(aftermath.childless) << program;
    EXPECT_TRUE(aftermath.same_fds) << program;
  }
}

}  // namespace
}  // namespace nsgate::test
