// SPDX-License-Identifier: Apache-2.0
//
// Descriptors and sockets as targets that are refused, and what is said of them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "nsgate/join.h"
#include "nsgate/netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/own_rights.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

Arrivals enter_owned(const Target& target) {
  return enter_all_ways(target, UserTarget::owned(target));
}

template <typename Opened>
std::string message_of(const Opened& opened) {
  return opened ? "" : opened.error().message();
}

Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }
Fd make_socket(int family) { return Fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

TEST(Target, DescriptorOfAnotherKindIsToldWithWhatItIsNot) {
  BEHAVIOUR("TR02 TR04");
  const Fd null = open_own("/dev/null");
  const Fd event(::eventfd(0, EFD_CLOEXEC));
  const Fd pidfd = pidfd_open(::getpid());
  const Fd socket = make_socket(AF_UNIX);
  const Fd user = open_own("/proc/self/ns/user");
  const OpenFds before;

  for (const Fd* fd : {&null, &event, &pidfd, &socket}) {
    SCOPED_TRACE(fd->get());
    const auto target = Target::descriptor(fd->get());
    EXPECT_THAT(enter_owned(target), Each(turned_away(Stage::open, EINVAL)));
    EXPECT_EQ(message_of(Netns::open(target)), "open descriptor " + std::to_string(fd->get()) +
                                                   ": EINVAL (Invalid argument): not a namespace");
  }
  EXPECT_EQ(message_of(Netns::open(Target::descriptor(user.get()))),
            "open descriptor " + std::to_string(user.get()) +
                ": EINVAL (Invalid argument): not a network namespace, but one of another kind");
  EXPECT_EQ(OpenFds(), before);
}

TEST(Target, SocketThatIsNoneIsEnottyAndNoDescriptorEbadf) {
  BEHAVIOUR("TR29");
  const Fd null = open_own("/dev/null");
  const Fd netns = open_own("/proc/self/ns/net");
  const OpenFds before;

  for (const Fd* fd : {&null, &netns}) {
    const auto target = Target::socket(fd->get());
    EXPECT_THAT(enter_owned(target), Each(turned_away(Stage::open, ENOTTY)));
    EXPECT_EQ(message_of(Netns::open(target)), "open socket " + std::to_string(fd->get()) +
                                                   ": ENOTTY (Inappropriate ioctl for device)");
  }
  for (const int fd : {-1, 900}) {
    EXPECT_THAT(enter_owned(Target::socket(fd)), Each(turned_away(Stage::open, EBADF)));
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Target, SocketIsEpermAtOpenForWhoDoesNotAdministerItsNamespace) {
  BEHAVIOUR("TR29 CP08");

  const auto arrivals = answer_of_child([] {
    become_unprivileged();
    std::array<Arrivals, 3> by_family{};
    std::size_t next = 0;
    for (const int family : {AF_INET, AF_UNIX, AF_NETLINK}) {
      const Fd own = make_socket(family);
      by_family.at(next++) = enter_owned(Target::socket(own.get()));
    }
    return by_family;
  });

  EXPECT_THAT(arrivals, Each(Each(turned_away(Stage::open, EPERM))));
}

TEST(Target, CurrentIsRefusedOnlyAtSetnsWithoutRights) {
  BEHAVIOUR("TR05");

  const auto arrivals = answer_of_child([] {
    become_unprivileged();
    return enter_owned(Target::current());
  });

  const auto refused_at_setns = turned_away(Stage::setns_net, EPERM);
  // The third asks who owns it.
  EXPECT_THAT(arrivals, ElementsAre(refused_at_setns, refused_at_setns,
                                    sees_owner_of_own_netns() ? refused_at_setns
                                                              : turned_away(Stage::open, EPERM)));
}

TEST(Target, OwnerOutOfReachIsSaid) {
  BEHAVIOUR("TR28");
  REQUIRES(userns);
  const Fd hosts = open_own("/proc/self/ns/net");
  struct Seen {
    Ended owned;
    bool said;
  };

  const auto seen = answer_of_child([&] {
    const int left = unshare_mapped(CLONE_NEWUSER);
    const auto opened = UserNetns::open(UserTarget::owned(Target::descriptor(hosts.get())));
    const auto expected = "open descriptor " + std::to_string(hosts.get()) +
                          " and its owner: EPERM (Operation not permitted): the owner is not in "
                          "your user namespace or below it";
    return Seen{opened ? exited(left) : refused(opened.error().stage, opened.error().code),
                message_of(opened) == expected};
  });

  EXPECT_EQ(seen.owned, refused(Stage::open, EPERM));
  EXPECT_TRUE(seen.said);
}

TEST(Target, EveryKindSaysWhatItWasGiven) {
  BEHAVIOUR("EX03");
  EXPECT_EQ(Target::process(4711).to_string(), "pid 4711");
  EXPECT_EQ(Target::pidfd(5).to_string(), "pidfd 5");
  EXPECT_EQ(Target::thread(4711, 4712).to_string(), "thread 4712 of pid 4711");
  EXPECT_EQ(Target::thread(4711, 0).to_string(), "thread 0 of pid 4711");
  EXPECT_EQ(Target::name("4711").to_string(), "/run/netns/4711");
  EXPECT_EQ(Target::path("4711").to_string(), "4711");
  EXPECT_EQ(Target::descriptor(5).to_string(), "descriptor 5");
  EXPECT_EQ(Target::socket(5).to_string(), "socket 5");
  EXPECT_EQ(Target::current().to_string(), "the current thread");
  EXPECT_EQ(UserTarget::descriptors({.user = 6, .net = 7}).to_string(), "descriptors 6 and 7");
  EXPECT_EQ(UserTarget::owned(Target::name("blue")).to_string(), "/run/netns/blue and its owner");
}

}  // namespace
}  // namespace nsgate::test
