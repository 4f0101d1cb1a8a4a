// SPDX-License-Identifier: Apache-2.0
//
// Whichever way core takes to a namespace or a program, no descriptor of it is inherited by a
// program that somebody else starts meanwhile.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "helper/helper.h"
#include "nsgate/join.h"
#include "nsgate/resident.h"
#include "support/either_user.h"
#include "support/exec_ways.h"
#include "support/hidden_proc.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

/// What is refused, and so which way is taken.
enum class Refused { nothing, ioctl, pidfd_open, ioctl_and_proc };

int refuse(Refused what) {
  switch (what) {
    case Refused::nothing:
      return 0;
    case Refused::ioctl:
      return refuse_syscall(SYS_ioctl, ENOSYS);
    case Refused::pidfd_open:
      return refuse_syscall(SYS_pidfd_open, ENOSYS);
    case Refused::ioctl_and_proc:
      if (const int error = hide_proc(); error != 0) return error;
      return refuse_syscall(SYS_ioctl, ENOSYS);
  }
  return EINVAL;
}

/// How many descriptors a program would inherit.
int inheritable() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
  }
  return count;
}

struct Leaks {
  int refused;
  int opened;  ///< targets
  int leaked;
  friend bool operator==(const Leaks&, const Leaks&) = default;
};
void PrintTo(const Leaks& leaks, std::ostream* out) {
  *out << "errno " << leaks.refused << ", " << leaks.opened << " opened, " << leaks.leaked
       << " would be inherited";
}

/// Of every kind of target that can be opened then.
Leaks leaks_where(Refused what) {
  return answer_of_owner([what] {
    const UserScratch other;
    const TwoThreads threads;
    const pid_t thread = threads.other_thread();
    const Fd net = other.open("ns/net");
    const Fd pidfd = pidfd_open(other.pid());
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    Leaks leaks{.refused = refuse(what), .opened = 0, .leaked = -inheritable()};
    std::vector<Netns> nets;
    for (const auto& target :
         {Target::process(other.pid()), Target::pidfd(pidfd.get()),
          Target::thread(threads.pid(), thread), Target::descriptor(net.get()),
          Target::path("/proc/self/ns/net"), Target::socket(socket.get()), Target::current()}) {
      if (auto opened = Netns::open(target)) nets.push_back(std::move(*opened));
    }
    std::vector<UserNetns> boths;
    for (const auto& target : {UserTarget::process(other.pid()), UserTarget::pidfd(pidfd.get()),
                               UserTarget::owned(Target::process(other.pid()))}) {
      if (auto opened = UserNetns::open(target)) boths.push_back(std::move(*opened));
    }
    leaks.opened = static_cast<int>(nets.size() + boths.size());
    leaks.leaked += inheritable();
    return leaks;
  });
}

TEST(Netns, DescriptorsAreCloseOnExecWhicheverWayTheyAreOpened) {
  BEHAVIOUR("FD02 FD03 FD04");
  REQUIRES(userns);
  REQUIRES(mounts);

  EXPECT_EQ(leaks_where(Refused::nothing), (Leaks{0, 10, 0}));
  // A socket leads nowhere without ioctl, and nothing tells an owner.
  EXPECT_EQ(leaks_where(Refused::ioctl), (Leaks{0, 8, 0}));
  EXPECT_EQ(leaks_where(Refused::pidfd_open), (Leaks{0, 10, 0}));
  EXPECT_EQ(leaks_where(Refused::ioctl_and_proc).leaked, 0);
}

TEST(Resident, DescriptorIsCloseOnExec) {
  BEHAVIOUR("FD02");
  REQUIRES(own_netns);

  const auto leaks = answer_of_owner([] {
    const int before = inheritable();
    const auto resident = Resident::open(Target::current());
    return Leaks{0, resident ? 1 : 0, inheritable() - before};
  });

  EXPECT_EQ(leaks, (Leaks{0, 1, 0}));
}

TEST(Exec, DescriptorsHeldWhileTheProgramRunsAreCloseOnExec) {
  BEHAVIOUR("FD02");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const int before = inheritable();
    int meanwhile = -1;

    const auto ended =
        execute({.argv = {helper(), "ids"}, .on_output = [&](Command::Stream, std::string_view) {
                   meanwhile = inheritable();
                 }});

    EXPECT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(meanwhile, before);
  }
}

}  // namespace
}  // namespace nsgate::test
