// SPDX-License-Identifier: Apache-2.0
//
// Every kind of target for a caller without /proc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/hidden_proc.h"
#include "support/kernel.h"
#include "support/loopback.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// Namespaces that are known without /proc by the name of their only interface.
class Marked : public ParkedProcess {
 public:
  Marked()
      : ParkedProcess([] {
          const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
          return error != 0 ? error : rename_loopback("marked");
        }) {}
};

constexpr Ended elsewhere = {true, Stage{}, 99, 0};

/// exited(0): the marked namespace was entered; by each of the three ways.
using AllWays = std::array<Ended, 3>;
AllWays enter(const Target& target, const UserTarget& both, const std::string& program) {
  const auto closure = in_netns(target, [] { return ::if_nametoindex("marked") != 0; });
  const auto ended = [](const Result<Finished>& links) {
    return !links || links->out == "marked\n" ? how_it_ended(links) : elsewhere;
  };
  const Command links{.argv = {program, "links"}};
  return {closure ? (*closure ? exited(0) : elsewhere)
                  : refused(closure.error().stage, closure.error().code),
          ended(exec_in_netns(target, links)), ended(exec_in_user_netns(both, links))};
}

TEST(Target, EveryKindIsReachedWithoutProc) {
  BEHAVIOUR("TR30 PP08");
  REQUIRES(userns);
  REQUIRES(mounts);
  constexpr std::array kinds{"process", "pidfd", "thread", "name", "descriptors", "socket"};
  struct Seen {
    int hidden;
    std::array<AllWays, kinds.size()> by_kind;
  };

  const auto seen = answer_of_owner([&] {
    must_own_run();
    const Marked other;
    const pid_t pid = other.pid();
    const Fd net = other.open("ns/net");
    const Fd user = other.open("ns/user");
    const Fd pidfd = pidfd_open(pid);
    const NamedNetns name("blue", net);
    const auto socket = in_netns(Target::process(pid), [] {
                          return Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
                        }).value();
    const std::string program = helper();
    const auto owned = [&](const Target& target) {
      return enter(target, UserTarget::owned(target), program);
    };
    const int hidden = hide_proc();
    return Seen{hidden,
                {enter(Target::process(pid), UserTarget::process(pid), program),
                 enter(Target::pidfd(pidfd.get()), UserTarget::pidfd(pidfd.get()), program),
                 enter(Target::thread(pid, pid), UserTarget::thread(pid, pid), program),
                 owned(Target::name("blue")),
                 enter(Target::descriptor(net.get()),
                       UserTarget::descriptors({.user = user.get(), .net = net.get()}), program),
                 owned(Target::socket(socket.get()))}};
  });

  EXPECT_EQ(seen.hidden, 0);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    SCOPED_TRACE(kinds[i]);
    EXPECT_THAT(seen.by_kind[i], Each(exited(0)));
  }
}

TEST(Target, OwnerOfAProcessNeedsTheIoctlsOfAPidfdWithoutProc) {
  BEHAVIOUR("TR28 TR30");
  REQUIRES(userns);
  REQUIRES(mounts);

  struct Seen {
    int hidden;
    Ended ended;
  };

  const auto [hidden, ended] = answer_of_owner([] {
    const Marked other;
    const auto process = Target::process(other.pid());
    const std::string program = helper();
    const int error = hide_proc();
    return Seen{error, enter(process, UserTarget::owned(process), program)[2]};
  });

  EXPECT_EQ(hidden, 0);
  // fs/pidfs.c: PIDFD_GET_NET_NAMESPACE since Linux 6.11.
  EXPECT_EQ(ended, on_this_kernel<Ended>(
                       {{{0, 0}, refused(Stage::open, EOPNOTSUPP)}, {{6, 11}, exited(0)}}));
}

TEST(Target, ThreadThatDoesNotLeadNeedsPidfdsOfThreadsWithoutProc) {
  BEHAVIOUR("TR14 TR30");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    int hidden;
    std::array<Ended, 2> ended;
  };

  const auto seen = answer_of_owner([] {
    const TwoThreads process;
    const auto target = Target::thread(process.pid(), process.other_thread());
    const Command command{.argv = {helper(), "exit", "0"}};
    const int error = hide_proc();
    return Seen{
        error,
        {how_it_ended(in_netns(target, [] {})), how_it_ended(exec_in_netns(target, command))}};
  });

  EXPECT_EQ(seen.hidden, 0);
  // pidfd_open(2): PIDFD_THREAD since Linux 6.9.
  EXPECT_THAT(
      seen.ended,
      Each(on_this_kernel<Ended>({{{0, 0}, refused(Stage::open, ENOENT)}, {{6, 9}, exited(0)}})));
}

TEST(Target, CurrentIsTheWorkersWithoutProc) {
  BEHAVIOUR("TH02 TR30");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    int hidden;
    AllWays inside, outside;
  };

  const auto seen = answer_of_owner([] {
    const Marked other;
    const std::string program = helper();
    const auto current = Target::current();
    const auto enter_current = [&] { return enter(current, UserTarget::owned(current), program); };
    Seen answer{};
    answer.hidden = hide_proc();
    answer.inside = in_netns(Target::process(other.pid()), enter_current).value_or(AllWays{});
    answer.outside = enter_current();
    return answer;
  });

  EXPECT_EQ(seen.hidden, 0);
  EXPECT_THAT(seen.inside, Each(exited(0)));
  // The leading thread is its process, whose pidfd does for setns, but does not tell an owner.
  const Ended owner =
      on_this_kernel<Ended>({{{0, 0}, refused(Stage::open, EOPNOTSUPP)}, {{6, 11}, elsewhere}});
  EXPECT_THAT(seen.outside, ElementsAre(elsewhere, elsewhere, owner));
}

TEST(Target, ProcessThatIsGoneIsToldWithoutProc) {
  BEHAVIOUR("TR11 TR12 TR30");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    int hidden;
    AllWays zombie, zombies_pidfd, reaped, reaped_pidfd, none;
  };

  const auto seen = answer_of_owner([] {
    Marked dead;
    Marked gone;
    const pid_t pid = gone.pid();
    const Fd of_dead = pidfd_open(dead.pid());
    const Fd of_gone = pidfd_open(pid);
    const Fd no_pidfd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    dead.make_zombie();
    gone.reap();
    const std::string program = helper();
    const auto by_pid = [&](pid_t of) {
      return enter(Target::process(of), UserTarget::process(of), program);
    };
    const auto by_pidfd = [&](const Fd& of) {
      return enter(Target::pidfd(of.get()), UserTarget::pidfd(of.get()), program);
    };
    const int error = hide_proc();
    return Seen{error,       by_pid(dead.pid()), by_pidfd(of_dead),
                by_pid(pid), by_pidfd(of_gone),  by_pidfd(no_pidfd)};
  });

  EXPECT_EQ(seen.hidden, 0);
  // Before Linux 6.11 only setns of its pidfd tells that a process has left its namespaces.
  const bool told = on_this_kernel<bool>({{{0, 0}, false}, {{6, 11}, true}});
  const Ended net = refused(told ? Stage::open : Stage::setns_net, ESRCH);
  const Ended both = refused(told ? Stage::open : Stage::setns_both, ESRCH);
  EXPECT_THAT(seen.zombie, ElementsAre(net, net, both));
  EXPECT_THAT(seen.zombies_pidfd, ElementsAre(net, net, both));
  EXPECT_THAT(seen.reaped, Each(refused(Stage::open, ESRCH)));
  EXPECT_THAT(seen.reaped_pidfd, Each(refused(Stage::open, ESRCH)));
  EXPECT_THAT(seen.none, Each(refused(Stage::open, EINVAL)));
}

}  // namespace
}  // namespace nsgate::test
