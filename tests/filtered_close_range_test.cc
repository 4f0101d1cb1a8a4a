// SPDX-License-Identifier: Apache-2.0
//
// The program's descriptors where close_range(2) is missing: Linux older than 5.9, or a seccomp
// filter that does not know it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/hidden_proc.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"

namespace nsgate::test {
namespace {

constexpr std::array filters_say{EPERM, ENOSYS};

/// For a child: what a careless library leaves open, more than a listing tells at once, and from 3
/// on without a gap.
int leave_open() {
  const rlimit many{.rlim_cur = 1024, .rlim_max = 1024};
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (::setrlimit(RLIMIT_NOFILE, &many) != 0) return errno;
  for (const int from : {3, 200, 1000}) {
    for (int i = 0; i < (from == 200 ? 300 : 8); ++i) {
      if (::fcntl(null.get(), F_DUPFD, from) < 0) return errno;
    }
  }
  for (int fd = 3; fd < 8; ++fd) {
    if (::fcntl(fd, F_SETFD, 0) != 0) return errno;
  }
  return 0;
}

/// What the program has open, as its helper prints it.
struct Tables {
  int prepared;
  bool net_is_clean, user_is_clean, passed_is_clean;
};

bool prints(const Result<Finished>& ended, std::string_view text) {
  return ended && ended->succeeded() && ended->out == text;
}

TEST(Exec, ProgramHasNoOtherDescriptorsWithoutCloseRange) {
  BEHAVIOUR("FD01 PP11");
  REQUIRES(userns);
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto seen = answer_of_owner([&] {
      const UserScratch other;
      const auto target = Target::process(other.pid());
      const Command fds{.argv = {helper(), "fds"}};
      const Command passing{.argv = fds.argv, .pass = {{.fd = 1001, .as = 7}}};
      int prepared = leave_open();
      if (prepared == 0) prepared = refuse_syscall(SYS_close_range, error);
      return Tables{.prepared = prepared,
                    .net_is_clean = prints(exec_in_netns(target, fds), "0\n1\n2\n"),
                    .user_is_clean = prints(
                        exec_in_user_netns(UserTarget::process(other.pid()), fds), "0\n1\n2\n"),
                    .passed_is_clean = prints(exec_in_netns(target, passing), "0\n1\n2\n7\n")};
    });

    EXPECT_EQ(seen.prepared, 0);
    EXPECT_TRUE(seen.net_is_clean);
    EXPECT_TRUE(seen.user_is_clean);
    EXPECT_TRUE(seen.passed_is_clean);
  }
}

TEST(Exec, NothingIsExecutedWithNeitherCloseRangeNorProc) {
  BEHAVIOUR("PP08 PP11");
  REQUIRES(userns);
  REQUIRES(mounts);
  for (const int error : filters_say) {
    SCOPED_TRACE(error);
    const auto [net, user] = answer_of_owner([&] {
      const UserScratch other;
      const Fd netns = other.open("ns/net");
      const Fd userns = other.open("ns/user");
      const auto both = UserTarget::descriptors({.user = userns.get(), .net = netns.get()});
      const Command command{.argv = {helper(), "exit", "0"}};
      if (const int hidden = hide_proc(); hidden != 0) {
        return std::array{exited(hidden), exited(hidden)};
      }
      refuse_syscall(SYS_close_range, error);
      return std::array{how_it_ended(exec_in_netns(Target::descriptor(netns.get()), command)),
                        how_it_ended(exec_in_user_netns(both, command))};
    });

    EXPECT_EQ(net, refused(Stage::descriptors, error));
    EXPECT_EQ(user, refused(Stage::descriptors, error));
  }
}

}  // namespace
}  // namespace nsgate::test
