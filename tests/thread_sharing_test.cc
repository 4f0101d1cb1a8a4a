// SPDX-License-Identifier: Apache-2.0
//
// What a worker shares with its caller, because threads do, and how it stops.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <locale>
#include <memory>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

mode_t current_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

/// Moves where the file system is seen from. Returns 0 or an errno.
int change_view() {
  ::umask(0123);
  return ::chdir("/proc") == 0 ? 0 : errno;
}

TEST(InNetns, WorkingDirectoryAndUmaskAreShared) {
  BEHAVIOUR("TH15");
  REQUIRES(root);
  const ScratchNetns other;

  EXPECT_THAT(in_netns(Target::process(other.pid()), change_view), IsOkAndHolds(0));

  EXPECT_EQ(std::filesystem::current_path(), "/proc");
  EXPECT_EQ(current_umask(), mode_t{0123});
}

TEST(InNetns, UnsharedWorkingDirectoryAndUmaskAreKeptFromTheCaller) {
  BEHAVIOUR("TH15");
  REQUIRES(root);
  const ScratchNetns other;
  const auto directory = std::filesystem::current_path();
  const auto mask = current_umask();

  for (const int unshared : {CLONE_FS, CLONE_NEWNS}) {
    const auto error = in_netns(Target::process(other.pid()),
                                [&] { return ::unshare(unshared) == 0 ? change_view() : errno; });
    EXPECT_THAT(error, IsOkAndHolds(0));
    EXPECT_EQ(std::filesystem::current_path(), directory);
    EXPECT_EQ(current_umask(), mask);
  }
}

struct Shared {
  bool entered;
  bool environment;
  bool descriptor;
  bool disposition;
  bool memory;
  bool locale;
};

Shared share_with_a_worker() {
  const ScratchNetns other;
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto memory = std::make_unique<int>(1);

  const auto result = in_netns(Target::process(other.pid()), [&] {
    ::setenv("NSGATE_SHARED", "yes", 1);
    ::close(null.get());
    ::signal(SIGUSR1, SIG_IGN);
    memory = std::make_unique<int>(2);
    std::locale::global(std::locale(std::locale(), new std::numpunct<char>));
  });

  struct sigaction action {};
  ::sigaction(SIGUSR1, nullptr, &action);
  const char* variable = std::getenv("NSGATE_SHARED");
  return {.entered = result.has_value(),
          .environment = variable != nullptr && std::string_view(variable) == "yes",
          .descriptor = ::fcntl(null.get(), F_GETFD) < 0 && errno == EBADF,
          .disposition = action.sa_handler == SIG_IGN,
          .memory = *memory == 2,
          .locale = std::locale() != std::locale::classic()};
}

TEST(InNetns, EnvironmentDescriptorsHandlersMemoryAndLocaleAreShared) {
  BEHAVIOUR("TH16");
  REQUIRES(own_netns);

  const auto shared = answer_of_owner(&share_with_a_worker);

  EXPECT_TRUE(shared.entered);
  EXPECT_TRUE(shared.environment);
  EXPECT_TRUE(shared.descriptor);
  EXPECT_TRUE(shared.disposition);
  EXPECT_TRUE(shared.memory);
  EXPECT_TRUE(shared.locale);
}

bool is_blocked(int signal) {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return ::sigismember(&mask, signal) == 1;
}

void block(int signal) {
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, signal);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
}

volatile sig_atomic_t handled_by = 0;
void note_thread(int) { handled_by = ::gettid(); }

struct Delivery {
  bool entered;
  bool inherited;      // the worker blocks what the caller blocks, and nothing else
  int error;           // of a system call of the closure
  bool by_the_worker;  // the handler ran on its thread
};

Delivery signal_the_process() {
  const ScratchNetns other;
  struct sigaction action {};
  action.sa_handler = &note_thread;
  ::sigaction(SIGUSR1, &action, nullptr);
  block(SIGUSR1);

  Delivery seen{};
  const auto result = in_netns(Target::process(other.pid()), [&] {
    seen.inherited = is_blocked(SIGUSR1) && !is_blocked(SIGUSR2);
    ::kill(::getpid(), SIGUSR1);
    // The signal is pending and everybody blocks it; here the worker alone lets it in.
    sigset_t none;
    ::sigemptyset(&none);
    const timespec patience{.tv_sec = 30, .tv_nsec = 0};
    seen.error = ::ppoll(nullptr, 0, &patience, &none) == 0 ? 0 : errno;
    seen.by_the_worker = handled_by == ::gettid();
  });
  seen.entered = result.has_value();
  return seen;
}

TEST(InNetns, SignalOfTheProcessInterruptsTheWorkerThatLetsItIn) {
  BEHAVIOUR("TH17");
  REQUIRES(own_netns);

  const auto seen = answer_of_owner(&signal_the_process);

  EXPECT_TRUE(seen.entered);
  EXPECT_TRUE(seen.inherited);
  EXPECT_EQ(seen.error, EINTR);
  EXPECT_TRUE(seen.by_the_worker);
}

}  // namespace
}  // namespace nsgate::test
