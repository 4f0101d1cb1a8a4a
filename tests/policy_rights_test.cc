// SPDX-License-Identifier: Apache-2.0
//
// Entering with the limits and the rights of a confined process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/policies.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

using AllWays = std::array<Ended, 3>;

AllWays enter_all(pid_t pid, const std::string& program) {
  const Command command{.argv = {program, "exit", "0"}};
  return {how_it_ended(in_netns(Target::process(pid), [] {})),
          how_it_ended(exec_in_netns(Target::process(pid), command)),
          how_it_ended(exec_in_user_netns(UserTarget::process(pid), command))};
}

struct Full {
  AllWays without_room;
  AllWays afterwards;
};

TEST(Policy, FullTableOfDescriptorsIsAnErrorOfTheOpenAndOfNothingLater) {
  BEHAVIOUR("PP20");
  REQUIRES(low_limits);
  const auto full = answer_of_owner([]() -> Full {
    const UserScratch other;
    const std::string program = helper();
    std::vector<Fd> all;
    for (Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); fd;
         fd = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))) {
      all.push_back(std::move(fd));
    }
    const auto without_room = enter_all(other.pid(), program);
    all.clear();
    return {without_room, enter_all(other.pid(), program)};
  });
  EXPECT_THAT(full.without_room, Each(refused(Stage::open, EMFILE)));
  EXPECT_THAT(full.afterwards, Each(exited(0)));
}

TEST(Policy, FullGroupOfProcessesIsAnErrorOfTheThreadOrTheClone) {
  BEHAVIOUR("PP20");
  REQUIRES(low_limits);
  const auto full = answer_of_owner([]() -> Full {
    const UserScratch other;
    const std::string program = helper();
    std::vector<pid_t> all;
    for (pid_t pid = ::fork(); pid >= 0; pid = ::fork()) {
      if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (true) ::pause();
      }
      all.push_back(pid);
    }
    const auto without_room = enter_all(other.pid(), program);
    for (const pid_t pid : all) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    return {without_room, enter_all(other.pid(), program)};
  });
  EXPECT_THAT(full.without_room,
              ElementsAre(refused(Stage::thread, EAGAIN), refused(Stage::clone, EAGAIN),
                          refused(Stage::clone, EAGAIN)));
  EXPECT_THAT(full.afterwards, Each(exited(0)));
}

struct Changed {
  int dumpable;
  int opened;  // of /proc/PID/ns/net, by another process of the uid that it became
};

/// A process of root that has become uid 1000. REQUIRES: root.
Changed change_user() {
  const auto become = [] {
    constexpr uid_t user = 1000;
    return ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0 ? 0 : errno;
  };
  const ParkedProcess changed(become);
  const int opened = answer_of_child([&] {
    if (const int error = become(); error != 0) return -error;
    const auto path = "/proc/" + std::to_string(changed.pid()) + "/ns/net";
    return error_of(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  });
  const int dumpable =
      answer_of_child([&] { return become() == 0 ? ::prctl(PR_GET_DUMPABLE) : -1; });
  return {dumpable, opened};
}

TEST(Policy, SuidDumpableOfOneOpensWhoChangedItsUserToThatUser) {
  BEHAVIOUR("PP15");
  REQUIRES(suid_dumpable_1);
  REQUIRES(root);
  const auto [dumpable, opened] = change_user();
  EXPECT_EQ(dumpable, 1);
  EXPECT_EQ(opened, 0);
}

TEST(Policy, SuidDumpableOfTwoClosesWhoChangedItsUserToThatUser) {
  BEHAVIOUR("PP15");
  REQUIRES(suid_dumpable_2);
  REQUIRES(root);
  const auto [dumpable, opened] = change_user();
  EXPECT_EQ(dumpable, 2);
  EXPECT_EQ(opened, EACCES);
}

TEST(Policy, RootOfAContainerEntersNothingButWhatItsUserNamespacesOwn) {
  BEHAVIOUR("CP01");
  REQUIRES(container_caps);
  const UserScratch other;
  const auto ended = enter_all(other.pid(), helper());
  EXPECT_THAT(ended, ElementsAre(refused(Stage::setns_net, EPERM), refused(Stage::setns_net, EPERM),
                                 exited(0)));
  EXPECT_EQ(how_it_ended(in_netns(Target::current(), [] {})), refused(Stage::setns_net, EPERM));
}

TEST(Policy, NamesOnAReadOnlyMountWithoutDevicesAndProgramsAreEntered) {
  BEHAVIOUR("PP16");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    int remounted, added;
    Ended closure, program;
  };
  const auto seen = answer_of_owner([]() -> Seen {
    must_own_run();
    const OwnScratch other;
    const Fd net = other.open("ns/net");
    const NamedNetns blue("blue", net);
    const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV;
    Seen answer{};
    answer.remounted = error_of(::mount(nullptr, "/run", nullptr, flags, nullptr));
    answer.added = error_of(Fd(::open("/run/netns/green", O_RDONLY | O_CREAT | O_CLOEXEC, 0444)));
    answer.closure = how_it_ended(in_netns(Target::name("blue"), [] {}));
    answer.program =
        how_it_ended(exec_in_netns(Target::name("blue"), {.argv = {helper(), "exit", "0"}}));
    return answer;
  });
  EXPECT_EQ(seen.remounted, 0);
  EXPECT_EQ(seen.added, EROFS);
  EXPECT_EQ(seen.closure, exited(0));
  EXPECT_EQ(seen.program, exited(0));
}

}  // namespace
}  // namespace nsgate::test
