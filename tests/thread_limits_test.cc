// SPDX-License-Identifier: Apache-2.0
//
// What the thread strategy cannot do: start without room for a thread, and join what the kernel
// keeps from processes with threads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/ended.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

struct Refusal {
  Ended ended;
  bool called;
  bool same_netns;
  bool same_fds;
};

/// For a child: what in_netns says to a closure for which there is no room.
Refusal enter_without_room() {
  const OpenFds fds;
  const auto netns = current_netns();
  bool called = false;
  const auto result = in_netns(Target::path("/proc/self/ns/net"), [&] { called = true; });
  return {how_it_ended(result), called, current_netns() == netns, OpenFds() == fds};
}

void expect_refused(const Refusal& refusal) {
  EXPECT_EQ(refusal.ended, refused(Stage::thread, EAGAIN));
  EXPECT_FALSE(refusal.called);
  EXPECT_TRUE(refusal.same_netns);
  EXPECT_TRUE(refusal.same_fds);
}

TEST(InNetns, LimitOfProcessesIsAnErrorBeforeAnythingChanged) {
  BEHAVIOUR("TH11");
  const uid_t user = ::geteuid() == 0 ? 1000 : ::geteuid();

  expect_refused(answer_of_child([=] {
    // The limit does not hold for root (setrlimit(2)).
    if (::geteuid() == 0) become_user(user);
    const rlimit only_this_one{1, 1};
    ::setrlimit(RLIMIT_NPROC, &only_this_one);
    return enter_without_room();
  }));
}

TEST(InNetns, MissingMemoryForTheStackIsAnErrorBeforeAnythingChanged) {
  BEHAVIOUR("XD15");
  REQUIRES(no_tsan);

  expect_refused(answer_of_child([] {
    unsigned long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    // glibc hands the stack of a thread that has ended to the next one: none is as large as this.
    pthread_attr_t large;
    ::pthread_getattr_default_np(&large);
    ::pthread_attr_setstacksize(&large, 64u << 20);
    ::pthread_setattr_default_np(&large);
    // Room for in_netns itself.
    const rlim_t bytes = pages * static_cast<unsigned long>(::getpagesize()) + (1u << 20);
    const rlimit all_but_full{bytes, bytes};
    ::setrlimit(RLIMIT_AS, &all_but_full);
    return enter_without_room();
  }));
}

TEST(InNetns, CannotEnterRootless) {
  BEHAVIOUR("TH12");
  REQUIRES(rootless);
  const UserScratch other;
  const OpenFds before;

  EXPECT_THAT(in_netns(Target::process(other.pid()), [] {}), FailsAt(Stage::setns_net, EPERM));

  EXPECT_EQ(OpenFds(), before);
}

TEST(ExecInUserNetns, EntersRootlessFromAProcessWithThreads) {
  BEHAVIOUR("TH12");
  REQUIRES(rootless);
  const UserScratch other;
  const auto target = UserTarget::process(other.pid());
  Result<Finished> finished;

  std::thread([&] { finished = exec_in_user_netns(target, {.argv = {helper(), "netns"}}); }).join();

  ASSERT_THAT(finished, ExitsWith(0));
  EXPECT_EQ(finished->out, ::testing::PrintToString(other.id()) + '\n');
}

int try_setns(const Fd& fd, int type) { return ::setns(fd.get(), type) == 0 ? 0 : errno; }

TEST(Setns, RefusesAUserNamespaceToAProcessWithThreads) {
  BEHAVIOUR("TH12");
  REQUIRES(userns);
  const UserScratch other;
  const Fd user = other.open("ns/user");
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, other.pid(), 0)));
  struct Errors {
    int on_a_thread;
    int in_one_shot;
    int alone;
  };

  const auto errors = answer_of_child([&] {
    Errors seen{};
    std::thread([&] {
      seen.on_a_thread = try_setns(user, CLONE_NEWUSER);
      seen.in_one_shot = try_setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET);
    }).join();
    wait_until_single_threaded();
    seen.alone = try_setns(user, CLONE_NEWUSER);
    return seen;
  });

  EXPECT_EQ(errors.on_a_thread, EINVAL);
  EXPECT_EQ(errors.in_one_shot, EINVAL);
  EXPECT_EQ(errors.alone, 0);
}

/// What f() returns in a single-threaded child that shares cwd, root and umask with the caller.
int answer_of_fs_sharer(const std::function<int()>& f) {
  const auto pid = static_cast<pid_t>(
      ::syscall(SYS_clone, CLONE_FS | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) ::_exit(f());
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Setns, RefusesAUserNamespaceToWhoSharesItsViewOfTheFileSystem) {
  BEHAVIOUR("TH13");
  REQUIRES(userns);
  const UserScratch other;
  const Fd user = other.open("ns/user");

  EXPECT_EQ(answer_of_fs_sharer([&] { return try_setns(user, CLONE_NEWUSER); }), EINVAL);
  EXPECT_EQ(answer_of_fs_sharer(
                [&] { return ::unshare(CLONE_FS) == 0 ? try_setns(user, CLONE_NEWUSER) : errno; }),
            0);
}

TEST(InNetns, ClosureMayJoinOtherKindsOfNamespaceAsFarAsThreadsMay) {
  BEHAVIOUR("TH14");
  REQUIRES(root);
  const ParkedProcess other(
      [] { return unshare_mapped(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWTIME); });
  const Fd pid = other.open("ns/pid");
  const Fd uts = other.open("ns/uts");
  const Fd mnt = other.open("ns/mnt");
  const Fd time = other.open("ns/time_for_children");
  const auto target = Target::process(other.pid());

  EXPECT_THAT(in_netns(target, [&] { return try_setns(pid, CLONE_NEWPID); }), IsOkAndHolds(0));
  EXPECT_THAT(in_netns(target, [&] { return try_setns(uts, CLONE_NEWUTS); }), IsOkAndHolds(0));
  EXPECT_THAT(in_netns(target, [&] { return try_setns(mnt, CLONE_NEWNS); }), IsOkAndHolds(EINVAL));
  EXPECT_THAT(in_netns(target, [&] { return try_setns(time, CLONE_NEWTIME); }),
              IsOkAndHolds(EUSERS));
}

TEST(Setns, LetsASingleThreadJoinMountAndTimeNamespaces) {
  BEHAVIOUR("TH14");
  REQUIRES(root);
  const ParkedProcess other([] { return unshare_mapped(CLONE_NEWNS | CLONE_NEWTIME); });
  const Fd mnt = other.open("ns/mnt");
  const Fd time = other.open("ns/time_for_children");

  EXPECT_EQ(answer_of_child([&] { return try_setns(mnt, CLONE_NEWNS); }), 0);
  EXPECT_EQ(answer_of_child([&] { return try_setns(time, CLONE_NEWTIME); }), 0);
}

}  // namespace
}  // namespace nsgate::test
