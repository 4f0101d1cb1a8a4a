// SPDX-License-Identifier: Apache-2.0
//
// What joining a user namespace does to the process that joins, and to who shares memory with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/joins.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/process_state.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// What an id that the user namespace does not map looks like (user_namespaces(7)).
constexpr uid_t unmapped = 65534;

int number_in(const char* path) {
  int number = -1;
  std::ifstream(path) >> number;
  return number;
}

struct Attributes {
  int error;
  int dumpable;
  int death_signal;
  uid_t uid;
  friend bool operator==(const Attributes&, const Attributes&) = default;
};

void PrintTo(const Attributes& attributes, std::ostream* out) {
  *out << "errno " << attributes.error << ", dumpable " << attributes.dumpable << ", death signal "
       << attributes.death_signal << ", uid " << attributes.uid;
}

Attributes attributes_after_joining(const NamespaceFiles& files) {
  return answer_of_child([&]() -> Attributes {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int error = join_user(files);
    int death_signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &death_signal);
    return {error, ::prctl(PR_GET_DUMPABLE), death_signal, ::getuid()};
  });
}

TEST(Setns, JoiningAnotherUsersUsernsClearsDumpableAndTheDeathSignal) {
  BEHAVIOUR("UN08");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);

  // commit_creds() in kernel/cred.c: dumpable becomes what fs.suid_dumpable says.
  EXPECT_EQ(attributes_after_joining(NamespaceFiles(other)),
            (Attributes{0, number_in("/proc/sys/fs/suid_dumpable"), 0, unmapped}));
}

TEST(Setns, JoiningOnesOwnUsernsKeepsDumpableAndTheDeathSignal) {
  BEHAVIOUR("UN08");
  REQUIRES(userns);
  const UserScratch own;

  EXPECT_EQ(attributes_after_joining(NamespaceFiles(own)), (Attributes{0, 1, SIGKILL, 0}));
}

TEST(Setns, JoiningInAMemorySharingChildPoisonsDumpableOfItsParent) {
  BEHAVIOUR("UN09");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const NamespaceFiles files(other);
  struct Answer {
    int error;
    int dumpable;
  };

  const auto answer = answer_of_child([&]() -> Answer {
    alignas(16) static std::array<char, 65536> stack;
    const auto join = [](void* its) { return join_user(*static_cast<const NamespaceFiles*>(its)); };
    const pid_t pid = ::clone(join, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD,
                              const_cast<NamespaceFiles*>(&files));
    int status = -1;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return {errno, -1};
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ::prctl(PR_GET_DUMPABLE)};
  });

  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(answer.dumpable, number_in("/proc/sys/fs/suid_dumpable"));
}

TEST(ExecInUserNetns, CallerKeepsItsAttributesWhenTheUsernsIsAnotherUsers) {
  BEHAVIOUR("UN09");
  REQUIRES(userns);
  REQUIRES(root);
  const UserScratch other(UserScratch::Map::owner_to_zero, 1000);
  const ProcessState before;
  ASSERT_EQ(::prctl(PR_GET_DUMPABLE), 1);

  EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "netns"}}),
              ExitsWith(0));

  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  EXPECT_EQ(ProcessState(), before);
}

}  // namespace
}  // namespace nsgate::test
