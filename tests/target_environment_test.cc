// SPDX-License-Identifier: Apache-2.0
//
// The environment of a target, for who wants to give it to a program inside: /proc/PID/environ is
// asked for before the credentials or the user namespace change, since it is refused afterwards
// (PTRACE_MODE_READ_FSCREDS, proc_pid_environ(5)).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

std::string environ_file(pid_t pid) { return "/proc/" + std::to_string(pid) + "/environ"; }

int error_of_opening(const std::string& path) {
  return error_of(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

/// 0 when some of the text was read, else an errno.
int error_of_reading(const Fd& file) {
  std::array<char, 64> text{};
  const auto size = ::pread(file.get(), text.data(), text.size(), 0);
  return size < 0 ? errno : size == 0 ? ENODATA : 0;
}

struct Seen {
  int before, changed, after, through_the_open_one;
};

void expect_readable_only_before(const Seen& seen) {
  EXPECT_EQ(seen.before, 0);
  ASSERT_EQ(seen.changed, 0);
  EXPECT_EQ(seen.after, EACCES);
  // The right is asked for at open(2) (fs/proc/base.c).
  EXPECT_EQ(seen.through_the_open_one, 0);
}

template <typename Change>
Seen look_around(pid_t pid, Change change) {
  return answer_of_child([&] {
    const auto path = environ_file(pid);
    const Fd open(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    Seen seen{};
    seen.before = error_of(open);
    seen.changed = change();
    seen.after = error_of_opening(path);
    seen.through_the_open_one = error_of_reading(open);
    return seen;
  });
}

TEST(TargetEnvironment, IsRefusedAfterAChangeOfTheUid) {
  BEHAVIOUR("SG08");
  REQUIRES(root);
  const ScratchNetns other;

  expect_readable_only_before(look_around(other.pid(), [] { return become_user(1000); }));
}

TEST(TargetEnvironment, IsRefusedFromWithinAUserNamespace) {
  BEHAVIOUR("SG08");
  REQUIRES(userns);
  const ParkedProcess outside([] { return 0; });
  const UserScratch other;
  const Fd user = other.open("ns/user");

  expect_readable_only_before(
      look_around(outside.pid(), [&] { return setns_error(user.get(), CLONE_NEWUSER); }));
}

// So the caller reads it, and core hands it over.
TEST(TargetEnvironment, ReachesTheProgramThroughTheCaller) {
  BEHAVIOUR("SG08");
  REQUIRES(userns);
  const UserScratch other;
  std::ifstream file(environ_file(other.pid()));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> entries;
  std::istringstream words(text);
  for (std::string entry; std::getline(words, entry, '\0');) entries.push_back(entry);
  ASSERT_FALSE(entries.empty());

  EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()),
                                 {.argv = {helper(), "env"}, .env = entries}),
              Prints(text));
}

}  // namespace
}  // namespace nsgate::test
