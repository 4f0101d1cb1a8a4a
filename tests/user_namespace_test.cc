// SPDX-License-Identifier: Apache-2.0
//
// Who may join which user namespace, and what does not stand in the way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/ended.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/own_rights.h"
#include "support/process_state.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::ElementsAre;

int join_user_file(const Fd& file) { return ::setns(file.get(), CLONE_NEWUSER) == 0 ? 0 : errno; }
int unshare(int kinds) { return ::unshare(kinds) == 0 ? 0 : errno; }

Fd own_userns() { return Fd(::open("/proc/thread-self/ns/user", O_RDONLY | O_CLOEXEC)); }

UserTarget target_of(const NamespaceFiles& files) {
  return UserTarget::descriptors({.user = files.user.get(), .net = files.net.get()});
}

TEST(Setns, OnlyADescendantOfTheCallersUsernsCanBeJoined) {
  BEHAVIOUR("UN14");
  REQUIRES(userns);
  const UserScratch inside;
  const UserScratch sibling;
  const NamespaceFiles files_inside(inside);
  const NamespaceFiles files_of_sibling(sibling);
  const Fd parent = own_userns();

  const auto errors = answer_of_child([&]() -> std::array<int, 4> {
    const int own = join_user_file(parent);
    const int descendant = join_user(files_inside);
    return {own, descendant, join_user_file(parent), join_user(files_of_sibling)};
  });

  EXPECT_THAT(errors, ElementsAre(EINVAL, 0, EPERM, EPERM));
}

TEST(ExecInUserNetns, RefusesASiblingAndAParentUsernsAtSetnsUserAndTheCallersOwnInSequence) {
  BEHAVIOUR("UN14");
  REQUIRES(userns);
  const UserScratch inside;
  const UserScratch sibling;
  const NamespaceFiles files_inside(inside);
  const NamespaceFiles files_of_sibling(sibling);
  const Fd parent = own_userns();
  const ProcessState before;

  const auto self = UserTarget::process(::getpid());
  EXPECT_THAT(exec_in_user_netns(self, no_program, Plan::sequential),
              FailsAt(Stage::setns_user, EINVAL));
  // Without its own user namespace, which is left out, it is the network namespace that matters.
  EXPECT_EQ(how_it_ended(exec_in_user_netns(self, no_program)),
            may_reenter_own_netns() ? entered : refused(Stage::setns_net, EPERM));
  const auto from_inside = [&](const UserTarget& target) {
    return answer_of_child([&]() -> Ended {
      if (const int error = join_user(files_inside); error != 0) return exited(error);
      return how_it_ended(exec_in_user_netns(target, no_program));
    });
  };
  EXPECT_EQ(from_inside(target_of(files_of_sibling)), refused(Stage::setns_user, EPERM));
  EXPECT_EQ(from_inside(
                UserTarget::descriptors({.user = parent.get(), .net = files_of_sibling.net.get()})),
            refused(Stage::setns_user, EPERM));
  EXPECT_EQ(ProcessState(), before);
}

TEST(ExecInUserNetns, RefusesTheTargetOfAnotherUserAtOpenAndItsFilesAtSetnsUser) {
  BEHAVIOUR("UN18");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);
  const auto as_uid_1001 = [](const UserTarget& target) {
    return answer_of_child([&]() -> Ended {
      if (const int error = become_user(1001); error != 0) return exited(error);
      return how_it_ended(exec_in_user_netns(target, no_program));
    });
  };

  EXPECT_EQ(as_uid_1001(UserTarget::process(other.pid())), refused(Stage::open, EACCES));
  EXPECT_EQ(as_uid_1001(target_of(files)), refused(Stage::setns_user, EPERM));
}

TEST(Setns, AMapThatHoldsTheCallerGivesItNoRightToJoin) {
  BEHAVIOUR("UN18");
  REQUIRES(userns);
  REQUIRES(root);
  const ParkedProcess other([] {
    if (const int error = become_user(1000); error != 0) return error;
    return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET, false);
  });
  std::ofstream("/proc/" + std::to_string(other.pid()) + "/uid_map") << "0 1000 2\n";
  std::ofstream("/proc/" + std::to_string(other.pid()) + "/gid_map") << "0 1000 2\n";
  const NamespaceFiles files(other);

  EXPECT_EQ(try_orders(files, [] { return become_user(1000); }),
            (Orders{.net = EPERM, .user_then_net = 0, .net_then_user = EPERM, .at_once = 0}));
  EXPECT_EQ(
      try_orders(files, [] { return become_user(1001); }),
      (Orders{.net = EPERM, .user_then_net = EPERM, .net_then_user = EPERM, .at_once = EPERM}));
}

TEST(ExecInUserNetns, WorksInAChrootWhereAUsernsCannotBeMade) {
  BEHAVIOUR("UN15");
  REQUIRES(userns);
  struct Answer {
    std::array<int, 2> errors;
    Ended entered;
  };

  const auto answer = answer_of_child([]() -> Answer {
    // Inside a user namespace of its own everyone may change the root.
    if (const int error = unshare_mapped(CLONE_NEWUSER); error != 0)
      return {{error}, exited(error)};
    const UserScratch other;
    const NamespaceFiles files(other);
    const int rooted = ::chroot("/proc") == 0 ? 0 : errno;
    return {{rooted, unshare(CLONE_NEWUSER)},
            how_it_ended(exec_in_user_netns(
                target_of(files), {.argv = no_program.argv, .stdin_fd = files.net.get()}))};
  });

  EXPECT_EQ(answer.errors, (std::array{0, EPERM}));
  EXPECT_EQ(answer.entered, entered);
}

TEST(ExecInUserNetns, IsNotLimitedByTheCountsThatLimitMaking) {
  BEHAVIOUR("UN16 CP11");
  REQUIRES(userns);
  struct Answer {
    std::array<int, 3> errors;
    Ended by_exec;
    Ended by_thread;
  };

  const auto answer = answer_of_child([]() -> Answer {
    // The counts below belong to this user namespace alone (namespaces(7)).
    const int error = unshare_mapped(CLONE_NEWUSER);
    if (error != 0) return {{error}, exited(error), exited(error)};
    const UserScratch other;
    for (const char* limit : {"max_user_namespaces", "max_net_namespaces"}) {
      std::ofstream(std::string("/proc/sys/user/") + limit) << "0" << std::flush;
    }
    return {{error, unshare(CLONE_NEWUSER), unshare(CLONE_NEWNET)},
            how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()), no_program)),
            how_it_ended(in_netns(Target::process(other.pid()), [] {}))};
  });

  EXPECT_EQ(answer.errors, (std::array{0, ENOSPC, ENOSPC}));
  EXPECT_EQ(answer.by_exec, entered);
  EXPECT_EQ(answer.by_thread, exited(0));
}

/// With whom the process that joins shares something.
enum class Company { none, thread, process_with_same_fs };

class Guest {
 public:
  explicit Guest(Company company) {
    // It lives until the process ends.
    if (company == Company::thread) std::thread([] { ::pause(); }).detach();
    if (company != Company::process_with_same_fs) return;
    const long pid = ::syscall(SYS_clone, CLONE_FS | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "clone");
    if (pid == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pid == 0) ::pause();
    process_ = static_cast<pid_t>(pid);
  }
  Guest(const Guest&) = delete;
  ~Guest() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

 private:
  pid_t process_ = 0;
};

TEST(Setns, SharedThreadsOrFsMakeAUsernsInvalidBeforeRightsAreLookedAt) {
  BEHAVIOUR("UN20");
  REQUIRES(userns);
  const Fd parent = own_userns();
  const auto joins_with = [&](Company company) {
    return answer_of_child([&]() -> std::array<int, 2> {
      if (const int error = unshare_mapped(CLONE_NEWUSER); error != 0) return {error};
      const UserScratch other;
      const NamespaceFiles files(other);
      const Guest guest(company);
      return {join_user_file(parent), join_user(files)};
    });
  };

  EXPECT_THAT(joins_with(Company::none), ElementsAre(EPERM, 0));
  EXPECT_THAT(joins_with(Company::thread), ElementsAre(EINVAL, EINVAL));
  EXPECT_THAT(joins_with(Company::process_with_same_fs), ElementsAre(EINVAL, EINVAL));
}

}  // namespace
}  // namespace nsgate::test
