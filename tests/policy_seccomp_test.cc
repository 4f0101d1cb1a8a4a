// SPDX-License-Identifier: Apache-2.0
//
// Entering under a filter for the whole program, as a container runtime or systemd puts it in
// place: what each way says, and that what the filter does not name goes on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <span>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/policies.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

using AllWays = std::array<Ended, 3>;

/// By in_netns, exec_in_netns and exec_in_user_netns, from within namespaces of the caller's.
AllWays enter_own_process() {
  return answer_of_owner([]() -> AllWays {
    const UserScratch other;
    const Command command{.argv = {helper(), "exit", "0"}};
    return {how_it_ended(in_netns(Target::process(other.pid()), [] {})),
            how_it_ended(exec_in_netns(Target::process(other.pid()), command)),
            how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()), command))};
  });
}

/// The wait status of a child that does this and exits with 0.
int status_of(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    [&body]() noexcept { body(); }();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

void expect_refusal_at_setns(int error) {
  EXPECT_THAT(enter_own_process(),
              ElementsAre(refused(Stage::setns_net, error), refused(Stage::setns_net, error),
                          refused(Stage::setns_both, error)));
  // The kernel would say EBADF.
  EXPECT_EQ(setns_error(-1, 0), error);
  const auto told = in_netns(Target::current(), [] {});
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().note, "by a seccomp filter");
}

TEST(Policy, FilterThatRefusesSetnsWithEpermIsTold) {
  BEHAVIOUR("PP09");
  REQUIRES(seccomp_setns_eperm);
  expect_refusal_at_setns(EPERM);
}

TEST(Policy, FilterThatRefusesSetnsWithEnosysIsTold) {
  BEHAVIOUR("PP10");
  REQUIRES(seccomp_setns_enosys);
  expect_refusal_at_setns(ENOSYS);
}

TEST(Policy, FilterThatKillsAtSetnsEndsTheChildButWithAThreadTheProgram) {
  BEHAVIOUR("PP12");
  REQUIRES(seccomp_setns_kill);
  const Command command{.argv = {helper(), "exit", "0"}};

  EXPECT_EQ(status_of([] { (void)in_netns(Target::current(), [] {}); }), SIGSYS);
  const auto both = answer_of_owner([&] {
    const UserScratch other;
    return how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()), command));
  });
  EXPECT_EQ(both, killed(Stage::setns_both, SIGSYS));
  // fs/coredump.c: before Linux 5.16, whoever shares memory with the child ends along with it.
  const bool shares_its_fate = on_this_kernel<bool>({{{0, 0}, true}, {{5, 16}, false}});
  if (shares_its_fate) {
    EXPECT_EQ(status_of([&] { (void)exec_in_netns(Target::current(), command); }), SIGSYS);
  } else {
    EXPECT_EQ(how_it_ended(exec_in_netns(Target::current(), command)),
              killed(Stage::setns_net, SIGSYS));
  }
}

TEST(Policy, FilterThatRefusesClone3WithEpermLeavesNoThreadButTheChild) {
  BEHAVIOUR("PP11");
  REQUIRES(seccomp_pidfd_eperm);
  // glibc 2.34 and newer start threads by clone3(2) and go back to clone(2) at ENOSYS only.
  EXPECT_THAT(enter_own_process(),
              ElementsAre(refused(Stage::thread, EPERM), exited(0), exited(0)));
}

TEST(Policy, FilterThatRefusesPidfdOpenAndClone3WithEnosysLeavesEveryWay) {
  BEHAVIOUR("PP11");
  REQUIRES(seccomp_pidfd_enosys);
  EXPECT_THAT(enter_own_process(), Each(exited(0)));
}

TEST(Policy, FilterThatKillsAtPidfdOpenEndsTheProgram) {
  BEHAVIOUR("PP11 PP12");
  REQUIRES(seccomp_pidfd_kill);
  const auto descriptor = [](const std::function<void(const Target&)>& enter) {
    return status_of([&] {
      const Fd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
      enter(Target::descriptor(own.get()));
    });
  };
  const Command command{.argv = {helper(), "exit", "0"}};

  // A target without a pid needs none of the two; glibc's threads do.
  EXPECT_EQ(descriptor([](const Target& target) { (void)in_netns(target, [] {}); }), SIGSYS);
  EXPECT_EQ(descriptor([&](const Target& target) { (void)exec_in_netns(target, command); }), 0);
  EXPECT_EQ(status_of([&] { (void)exec_in_netns(Target::process(::getpid()), command); }), SIGSYS);
}

/// For a child. Returns 0 or an errno.
int install(std::span<sock_filter> program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  const bool set = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
  return set ? 0 : errno;
}

int kill_thread_at_setns() {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(SYS_setns), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  return install(program);
}

TEST(Policy, WorkerKilledByAFilterAtSetnsIsAnErrorOfTheWorker) {
  BEHAVIOUR("PP12 XD08");
  REQUIRES(unsanitized);
  struct Seen {
    int filtered;
    Ended ended;
    bool called;
  };

  const auto seen = answer_of_child([]() -> Seen {
    Seen answer{};
    answer.filtered = kill_thread_at_setns();
    answer.ended = how_it_ended(in_netns(Target::current(), [&] { answer.called = true; }));
    return answer;
  });

  EXPECT_EQ(seen.filtered, 0);
  EXPECT_EQ(seen.ended, refused(Stage::worker, 0));
  EXPECT_FALSE(seen.called);
}

/// As systemd.exec(5) puts RestrictNamespaces= in place where some types are allowed
/// (src/shared/seccomp-util.c): setns of a forbidden type fails with EPERM, and so does setns of
/// any type that the descriptor has.
int forbid_setns_of(std::uint32_t types) {
  constexpr std::uint32_t second = offsetof(seccomp_data, args) + 8;  // its lower half
  constexpr std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
  std::array<sock_filter, 7> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(SYS_setns), 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, second),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, types, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refuse),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  return install(program);
}

TEST(Policy, RestrictedNamespacesOfSystemdAreRefusedByTypeAndWithoutOne) {
  BEHAVIOUR("PP14");
  REQUIRES(userns);
  struct Seen {
    int filtered, any_type;
    Ended net, both;
  };

  const auto seen = answer_of_owner([] {
    const UserScratch other;
    const Fd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    const Command command{.argv = {helper(), "exit", "0"}};
    Seen answer{};
    answer.filtered = forbid_setns_of(CLONE_NEWUSER);
    answer.net = how_it_ended(in_netns(Target::process(other.pid()), [] {}));
    answer.both = how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()), command));
    answer.any_type = setns_error(own.get(), 0);
    return answer;
  });

  EXPECT_EQ(seen.filtered, 0);
  EXPECT_EQ(seen.net, exited(0));
  EXPECT_EQ(seen.both, refused(Stage::setns_both, EPERM));
  EXPECT_EQ(seen.any_type, EPERM);
}

}  // namespace
}  // namespace nsgate::test
