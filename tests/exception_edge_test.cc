// SPDX-License-Identifier: Apache-2.0
//
// Exceptions from destructors, through several entries at once, and where none may pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/run_inside.h"

namespace nsgate::test {
namespace {

using ::testing::ElementsAre;
using ::testing::KilledBySignal;

/// For a child: what `f` throws out of a call that enters `target`; 0 for nothing.
template <typename F>
int thrown_by(const F& f) {
  try {
    f();
  } catch (int number) {
    return number;
  }
  return 0;
}

struct ThrowsWhenDestroyed {
  int number;
  ~ThrowsWhenDestroyed() noexcept(false) { throw number; }
};

struct Outcome {
  int thrown;
  bool same_descriptors, usable;
};

template <typename Enter>
Outcome try_entry(Enter enter) {
  return answer_of_owner([&] {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    const OpenFds before;
    Outcome outcome{};
    outcome.thrown = thrown_by([&] { enter(target); });
    outcome.same_descriptors = OpenFds() == before;
    const auto again = in_netns(target, current_netns);
    outcome.usable = again && *again == other.id();
    return outcome;
  });
}

void expect_thrown(int number, const Outcome& outcome) {
  EXPECT_EQ(outcome.thrown, number);
  EXPECT_TRUE(outcome.same_descriptors);
  EXPECT_TRUE(outcome.usable);
}

TEST(InNetns, ExceptionOfADestructorInTheClosureReachesTheCaller) {
  BEHAVIOUR("XD01");
  REQUIRES(own_netns);

  expect_thrown(42, try_entry([](const Target& target) {
                  (void)in_netns(target, [] { const ThrowsWhenDestroyed last{42}; });
                }));
  // The result is there already, and lost.
  expect_thrown(43, try_entry([](const Target& target) {
                  (void)in_netns(target, [] {
                    const ThrowsWhenDestroyed last{43};
                    return std::string(1000, 'x');
                  });
                }));
}

TEST(InNetns, ExceptionPassesThroughEntriesInEachOther) {
  BEHAVIOUR("XD01 NC01");
  REQUIRES(own_netns);

  expect_thrown(44, try_entry([](const Target& target) {
                  (void)in_netns(target, [&] {
                    (void)in_netns(Target::current(),
                                   [&] { (void)in_netns(target, [] { throw 44; }); });
                  });
                }));
  expect_thrown(45, try_entry([](const Target& target) {
                  auto resident = Resident::open(target);
                  (void)resident->run([&] { (void)in_netns(target, [] { throw 45; }); });
                }));
}

/// Tells that its scope was left, and by which thread.
struct Left {
  std::vector<pid_t>* by;
  ~Left() { by->push_back(::gettid()); }
};

TEST(InNetns, EveryEntryOnTheWayIsUnwoundByItsOwnThread) {
  BEHAVIOUR("XD01 NC01");
  REQUIRES(own_netns);
  struct Seen {
    bool in_order;
    std::size_t threads;
    int thrown;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    std::vector<pid_t> left;
    std::vector<pid_t> entered;
    Seen answer{};
    answer.thrown = thrown_by([&] {
      const Left caller{&left};
      entered.insert(entered.begin(), ::gettid());
      (void)in_netns(target, [&] {
        const Left outer{&left};
        entered.insert(entered.begin(), ::gettid());
        (void)in_netns(target, [&] {
          const Left inner{&left};
          entered.insert(entered.begin(), ::gettid());
          throw 46;
        });
      });
    });
    answer.in_order = left.size() == 3 && left == entered;
    answer.threads = std::set(left.begin(), left.end()).size();
    return answer;
  });

  EXPECT_EQ(seen.thrown, 46);
  EXPECT_TRUE(seen.in_order);
  EXPECT_EQ(seen.threads, 3u);
}

TEST(InNetns, ExceptionThatAnInnerCallerHandlesIsNoneOutside) {
  BEHAVIOUR("XD01 NC01");
  REQUIRES(own_netns);

  const int caught_inside = answer_of_owner([] {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    const auto caught = in_netns(
        target, [&] { return thrown_by([&] { (void)in_netns(target, [] { throw 47; }); }); });
    return caught.value_or(-1);
  });

  EXPECT_EQ(caught_inside, 47);
}

TEST(InNetns, NestedExceptionArrivesWhole) {
  BEHAVIOUR("XD01");
  REQUIRES(own_netns);

  const bool whole = answer_of_owner([] {
    const ScratchNetns other;
    try {
      (void)in_netns(Target::process(other.pid()), [] {
        try {
          throw std::out_of_range("cause");
        } catch (...) {
          std::throw_with_nested(std::runtime_error("effect"));
        }
      });
    } catch (const std::runtime_error& effect) {
      try {
        std::rethrow_if_nested(effect);
      } catch (const std::out_of_range& cause) {
        return std::string(effect.what()) == "effect" && std::string(cause.what()) == "cause";
      }
    }
    return false;
  });

  EXPECT_TRUE(whole);
}

/// So that the compiler does not see what comes of it.
[[noreturn, gnu::noinline]] void throw_error(const char* text) { throw std::runtime_error(text); }

TEST(InNetns, ExceptionOutOfANoexceptClosureTerminates) {
  BEHAVIOUR("XD06");
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([]() noexcept { throw_error("out of noexcept"); }),
              KilledBySignal(SIGABRT), "out of noexcept");
}

TEST(InNetns, SecondExceptionOfADestructorTerminates) {
  BEHAVIOUR("XD06");
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([] {
                const ThrowsWhenDestroyed last{48};
                throw std::runtime_error("first");
              }),
              KilledBySignal(SIGABRT), "terminate called after throwing an instance of");
}

void end_of_all() { ::_exit(44); }

// The handler is the process's, not the thread's.
TEST(InNetns, TerminateInTheClosureCallsTheCallersHandler) {
  BEHAVIOUR("XD11");
  REQUIRES(own_netns);

  EXPECT_EXIT(
      {
        std::set_terminate(&end_of_all);
        run_inside([] { std::terminate(); });
      },
      ::testing::ExitedWithCode(44), "");
}

volatile int depth = 0;
/// In steps that no guard page is too small for.
[[gnu::noinline]] int recurse(volatile char* above) {
  volatile char frame[1024];
  frame[0] = *above;
  // Never so deep, which the compiler does not know.
  depth = depth + 1;
  if (depth < 0) return 0;
  return recurse(frame) + frame[0];
}

/// Below the stack of the thread that called watch_guard_page.
const char* guard_page = nullptr;
std::size_t guard_size = 0;

/// For SIGSEGV. Where no guard page met the overflow, the process lives on to say so.
void tell_where(int, siginfo_t* info, void*) {
  const auto* at = static_cast<const char*>(info->si_addr);
  const bool guarded = at >= guard_page && at < guard_page + guard_size;
  if (!guarded || depth < 100) ::_exit(46);
}
void end_where_guarded(int signal, siginfo_t* info, void* context) {
  tell_where(signal, info, context);
  ::_exit(45);
}
void die_where_guarded(int signal, siginfo_t* info, void* context) {
  tell_where(signal, info, context);
  // What faulted is done again.
  ::signal(SIGSEGV, SIG_DFL);
}

/// The handler has a stack of its own.
void watch_guard_page(void (*handler)(int, siginfo_t*, void*)) {
  pthread_attr_t attributes;
  void* lowest = nullptr;
  std::size_t size = 0;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
  ::pthread_attr_getstack(&attributes, &lowest, &size);
  ::pthread_attr_getguardsize(&attributes, &guard_size);
  ::pthread_attr_destroy(&attributes);
  guard_page = static_cast<const char*>(lowest) - guard_size;

  static char spare[65536];
  stack_t stack{};
  stack.ss_sp = spare;
  stack.ss_size = sizeof spare;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  ::sigaction(SIGSEGV, &action, nullptr);
}

TEST(InNetns, StackOverflowInTheClosureKillsTheProcessAtTheGuardPage) {
  BEHAVIOUR("XD11");
  REQUIRES(unsanitized);
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([] {
                watch_guard_page(&die_where_guarded);
                volatile char first = 0;
                (void)recurse(&first);
              }),
              KilledBySignal(SIGSEGV), "");
}

// Its handler has a stack of its own, and the guard page is the worker's: the caller's stack is
// whole.
TEST(InNetns, StackOverflowInTheClosureIsFoundWithAStackForSignals) {
  BEHAVIOUR("XD11");
  REQUIRES(unsanitized);
  REQUIRES(own_netns);

  EXPECT_EXIT(run_inside([] {
                watch_guard_page(&end_where_guarded);
                volatile char first = 0;
                (void)recurse(&first);
              }),
              ::testing::ExitedWithCode(45), "");
}

}  // namespace
}  // namespace nsgate::test
