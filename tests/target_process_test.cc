// SPDX-License-Identifier: Apache-2.0
//
// Processes as targets: those of others, those that hide, those that are gone or nearly so.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ostream>
#include <string>

#include "nsgate/exec.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Matcher;

constexpr pid_t init = 1;

std::string proc(pid_t pid, const std::string& file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

int open_error(const std::string& path) {
  return error_of(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

int readlink_error(const std::string& path) {
  std::array<char, 64> text{};
  return error_of(::readlink(path.c_str(), text.data(), text.size()));
}

Ended enter_user(pid_t pid) {
  return how_it_ended(
      exec_in_user_netns(UserTarget::process(pid), {.argv = {helper(), "exit", "0"}}));
}

TEST(Netns, ProcessOfAnotherUserIsRefusedAtOpen) {
  BEHAVIOUR("TR09");

  const auto ended = answer_of_child([] {
    become_unprivileged();
    const auto both = enter_both_ways(Target::process(init));
    return std::array{both[0], both[1], enter_user(init)};
  });
  const auto errors = answer_of_child([] {
    const int dropped = become_unprivileged();
    const auto path = proc(init, "ns/net");
    struct stat link {};
    return std::array{dropped, open_error(path), error_of(::lstat(path.c_str(), &link))};
  });

  EXPECT_THAT(ended, Each(refused(Stage::open, EACCES)));
  EXPECT_THAT(errors, ElementsAre(0, EACCES, 0));
}

/// What a refused link of /proc/PID/ns answers otherwise.
struct Refusal {
  int readlink, stat;
  bool leads_to_its_directory;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};
std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << "readlink " << refusal.readlink << ", stat " << refusal.stat
             << (refusal.leads_to_its_directory ? ", leads to its directory" : "");
}

TEST(Netns, RefusedLinkOfAProcessLeadsNowhere) {
  BEHAVIOUR("TR09");

  const auto seen = answer_of_child([] {
    become_unprivileged();
    const auto link = proc(init, "ns/net");
    struct stat directory {};
    struct stat behind {};
    ::stat(proc(init, "ns").c_str(), &directory);
    Refusal answer{.readlink = readlink_error(link),
                   .stat = error_of(::stat(link.c_str(), &behind)),
                   .leads_to_its_directory = false};
    answer.leads_to_its_directory = answer.stat == 0 && behind.st_ino == directory.st_ino;
    return answer;
  });

  const Refusal nowhere{EACCES, EACCES, false};
  // A fault of the 5.10 series since 5.10.261, which has "proc: protect ptrace_may_access() with
  // exec_update_lock (FD links)": the refusal is lost and the walk goes on where the link is.
  const Refusal lost{0, 0, true};
  EXPECT_THAT(seen, on_this_kernel<Matcher<Refusal>>(
                        {{{0, 0}, nowhere}, {{5, 10}, AnyOf(nowhere, lost)}, {{5, 11}, nowhere}}));
  RecordProperty("refused_link_leads_to_its_directory", seen.leads_to_its_directory);
}

TEST(Netns, ProcessThatIsNotDumpableIsRefusedAtOpen) {
  BEHAVIOUR("TR10");
  REQUIRES(rootless);
  const ParkedProcess open_one([] { return 0; });
  const ParkedProcess hidden([] { return error_of(::prctl(PR_SET_DUMPABLE, 0)); });
  const OpenFds before;

  EXPECT_THAT(enter_both_ways(Target::process(open_one.pid())),
              Each(refused(Stage::setns_net, EPERM)));
  EXPECT_THAT(enter_both_ways(Target::process(hidden.pid())), Each(refused(Stage::open, EACCES)));
  EXPECT_EQ(OpenFds(), before);
}

TEST(ExecInUserNetns, OwnerIsRefusedAtOpenWhenTheProcessIsNotDumpable) {
  BEHAVIOUR("TR10");
  REQUIRES(rootless);
  const UserScratch open_one;
  const ParkedProcess hidden([] {
    const int error = unshare_own();
    return error != 0 ? error : error_of(::prctl(PR_SET_DUMPABLE, 0));
  });

  EXPECT_EQ(enter_user(open_one.pid()), exited(0));
  EXPECT_EQ(enter_user(hidden.pid()), refused(Stage::open, EACCES));
}

TEST(Netns, PidThatIsGoneIsEsrchAtOpen) {
  BEHAVIOUR("TR11");
  REQUIRES(own_netns);
  OwnScratch target;
  const pid_t gone = target.pid();
  target.reap();
  const OpenFds before;

  for (const pid_t pid : {gone, INT_MAX}) {
    SCOPED_TRACE(pid);
    EXPECT_THAT(enter_both_ways(Target::process(pid)), Each(refused(Stage::open, ESRCH)));
    EXPECT_EQ(enter_user(pid), refused(Stage::open, ESRCH));
  }
  EXPECT_EQ(error_of(pidfd_open(gone)), ESRCH);
  EXPECT_EQ(open_error(proc(gone, "ns/net")), ENOENT);
  EXPECT_EQ(OpenFds(), before);
}

TEST(Netns, NumberThatIsNoPidIsEinvalAtOpen) {
  BEHAVIOUR("TR11");
  const OpenFds before;

  for (const pid_t pid : {0, -1, INT_MIN}) {
    SCOPED_TRACE(pid);
    EXPECT_THAT(enter_both_ways(Target::process(pid)), Each(refused(Stage::open, EINVAL)));
    EXPECT_EQ(enter_user(pid), refused(Stage::open, EINVAL));
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Netns, ErrorNamesThePidThatIsGone) {
  BEHAVIOUR("TR11");
  REQUIRES(own_netns);
  OwnScratch target;
  const std::string gone = std::to_string(target.pid());
  const auto process = Target::process(target.pid());
  target.reap();

  const auto opened = Netns::open(process);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), "open pid " + gone + ": ESRCH (No such process)");
}

/// What core says of a zombie: as the ioctls of a pidfd do, and before Linux 6.11 as /proc does.
int zombie_error() { return on_this_kernel<int>({{{0, 0}, ENOENT}, {{6, 11}, ESRCH}}); }

TEST(Netns, ZombieIsRefusedAtOpen) {
  BEHAVIOUR("TR12");
  REQUIRES(own_netns);
  OwnScratch target;
  ASSERT_EQ(open_error(proc(target.pid(), "ns/net")), 0);
  target.make_zombie();
  const OpenFds before;

  EXPECT_THAT(enter_both_ways(Target::process(target.pid())),
              Each(refused(Stage::open, zombie_error())));
  EXPECT_EQ(open_error(proc(target.pid(), "ns/net")), ENOENT);
  EXPECT_EQ(readlink_error(proc(target.pid(), "ns/net")), ENOENT);
  EXPECT_EQ(OpenFds(), before);
}

TEST(ExecInUserNetns, ZombieIsRefusedAlthoughProcShowsItsUserNamespace) {
  BEHAVIOUR("TR12");
  REQUIRES(own_netns);
  OwnScratch target;
  target.make_zombie();
  const OpenFds before;

  const auto result =
      exec_in_user_netns(UserTarget::process(target.pid()), {.argv = {helper(), "exit", "0"}});

  EXPECT_EQ(open_error(proc(target.pid(), "ns/user")), 0);
  EXPECT_EQ(open_error(proc(target.pid(), "ns/net")), ENOENT);
  ASSERT_THAT(result, FailsAt(Stage::open, zombie_error()));
  EXPECT_EQ(result.error().operands, "pid " + std::to_string(target.pid()));
  EXPECT_EQ(OpenFds(), before);
}

TEST(Setns, PidfdOfAZombieOpensAndIsEsrch) {
  BEHAVIOUR("TR12");
  REQUIRES(own_netns);
  OwnScratch target;
  target.make_zombie();

  const Fd process = pidfd_open(target.pid());

  ASSERT_TRUE(process);
  EXPECT_EQ(setns_error(process.get(), CLONE_NEWNET), ESRCH);
  // PIDFD_GET_NET_NAMESPACE, since Linux 6.11.
  EXPECT_EQ(error_of(netns_of_pidfd(process)),
            on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 11}, ESRCH}}));
}

}  // namespace
}  // namespace nsgate::test
