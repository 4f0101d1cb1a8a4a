// SPDX-License-Identifier: Apache-2.0
//
// A pidfd as a target: of which process, and what becomes of it when that ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "nsgate/netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/successor.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

constexpr unsigned pidfd_thread = O_EXCL;  // PIDFD_THREAD of linux/pidfd.h

Arrivals enter_pidfd(int fd) { return enter_all_ways(Target::pidfd(fd), UserTarget::pidfd(fd)); }
Arrivals enter_pidfd(const Fd& fd) { return enter_pidfd(fd.get()); }

TEST(Target, PidfdOfTheCallerLeadsToTheCallersNamespace) {
  BEHAVIOUR("TR15");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId own;
    Arrivals arrivals;
  };

  const auto seen = answer_of_owner([] {
    return Seen{current_netns(), enter_pidfd(pidfd_open(::getpid()))};
  });

  EXPECT_THAT(seen.arrivals, Each(arrival_in(seen.own)));
}

TEST(Target, PidfdOfAZombieIsRefusedAtOpen) {
  BEHAVIOUR("TR12");
  REQUIRES(own_netns);
  OwnScratch target;
  const Fd before = pidfd_open(target.pid());
  target.make_zombie();
  const Fd after = pidfd_open(target.pid());
  const OpenFds fds;

  // By the ioctls of a pidfd, and before Linux 6.11 by /proc.
  const int zombie = on_this_kernel<int>({{{0, 0}, ENOENT}, {{6, 11}, ESRCH}});
  EXPECT_THAT(enter_pidfd(before), Each(turned_away(Stage::open, zombie)));
  EXPECT_THAT(enter_pidfd(after), Each(turned_away(Stage::open, zombie)));
  EXPECT_EQ(OpenFds(), fds);
}

TEST(Target, PidfdOfAReapedProcessIsEsrchAtOpen) {
  BEHAVIOUR("TR17");
  REQUIRES(own_netns);
  OwnScratch target;
  const Fd pidfd = pidfd_open(target.pid());
  target.reap();
  const OpenFds before;

  EXPECT_THAT(enter_pidfd(pidfd), Each(turned_away(Stage::open, ESRCH)));
  EXPECT_EQ(OpenFds(), before);
}

TEST(Target, PidfdNeverLeadsToTheNextOwnerOfThePid) {
  BEHAVIOUR("TR16 TR17");
  REQUIRES(root);
  ScratchNetns old;
  const pid_t pid = old.pid();
  const Fd pidfd = pidfd_open(pid);
  old.reap();

  const Successor successor(pid);

  EXPECT_THAT(enter_pidfd(pidfd), Each(turned_away(Stage::open, ESRCH)));
  EXPECT_THAT(enter_pidfd(pidfd_open(pid)), Each(arrival_in(current_netns())));
}

TEST(Target, PidfdOfAProcessWhoseLeadingThreadEndedIsRefusedAtOpen) {
  BEHAVIOUR("TR13");
  REQUIRES(own_netns);

  const auto arrivals = answer_of_owner([] {
    TwoThreads process;
    process.end_leader();
    return enter_pidfd(pidfd_open(process.pid()));
  });

  const int ended = on_this_kernel<int>({{{0, 0}, ENOENT}, {{6, 11}, ESRCH}});
  EXPECT_THAT(arrivals, Each(turned_away(Stage::open, ended)));
}

TEST(Target, PidfdOfAThreadLeadsToThatThreadsNamespace) {
  BEHAVIOUR("TR14");
  REQUIRES(own_netns);
  struct Seen {
    int error;
    NamespaceId thread;
    Arrivals arrivals;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const Fd thread = pidfd_open(process.other_thread(), pidfd_thread);
    const int error = error_of(thread);
    const Fd netns(::open(process.netns_of_other_thread().c_str(), O_RDONLY | O_CLOEXEC));
    return Seen{error, id_of(netns), enter_pidfd(thread)};
  });

  // pidfd_open(2): PIDFD_THREAD since Linux 6.9.
  EXPECT_EQ(seen.error, on_this_kernel<int>({{{0, 0}, EINVAL}, {{6, 9}, 0}}));
  EXPECT_THAT(seen.arrivals,
              Each(on_this_kernel<Arrival>(
                  {{{0, 0}, turned_away(Stage::open, EBADF)}, {{6, 9}, arrival_in(seen.thread)}})));
}

TEST(Target, PidfdOfWhatIsNotDumpableIsRefusedAtOpen) {
  BEHAVIOUR("TR10 CP04");
  REQUIRES(rootless);
  const ParkedProcess hidden([] {
    const int error = unshare_own();
    return error != 0 ? error : error_of(::prctl(PR_SET_DUMPABLE, 0));
  });

  EXPECT_THAT(enter_pidfd(pidfd_open(hidden.pid())), Each(turned_away(Stage::open, EACCES)));
}

TEST(Target, PidfdThatIsNoneIsEinvalAtOpenAndNoDescriptorEbadf) {
  BEHAVIOUR("TR01 TR02 TR19");
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd netns(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const Fd directory(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd path_only(::open("/proc/self/ns/net", O_PATH | O_CLOEXEC));
  const OpenFds before;

  for (const Fd* fd : {&null, &netns, &directory}) {
    SCOPED_TRACE(fd->get());
    EXPECT_THAT(enter_pidfd(*fd), Each(turned_away(Stage::open, EINVAL)));
    const auto opened = Netns::open(Target::pidfd(fd->get()));
    ASSERT_FALSE(opened);
    // pidfd_send_signal(2) takes a directory of /proc as well.
    EXPECT_EQ(
        opened.error().message(),
        "open pidfd " + std::to_string(fd->get()) + ": EINVAL (Invalid argument): " +
            (fd == &directory ? "no pidfd of a process that this /proc shows" : "not a pidfd"));
  }
  // -10000 is PIDFD_SELF of linux/pidfd.h, since Linux 6.14.
  for (const int fd : {-1, 900, -10000, path_only.get()}) {
    SCOPED_TRACE(fd);
    EXPECT_THAT(enter_pidfd(fd), Each(turned_away(Stage::open, EBADF)));
  }
  EXPECT_EQ(OpenFds(), before);
}

}  // namespace
}  // namespace nsgate::test
