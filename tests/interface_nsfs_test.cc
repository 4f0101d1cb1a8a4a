// SPDX-License-Identifier: Apache-2.0
//
// What a namespace file tells of its namespace (ioctl_nsfs(2)), by the release that brought it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <string>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/socket_netns.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::Ne;

Fd open_own(const std::string& file) {
  return Fd(::open(("/proc/self/ns/" + file).c_str(), O_RDONLY | O_CLOEXEC));
}
Fd owner_of(const Fd& file) { return Fd(::ioctl(file.get(), NS_GET_USERNS)); }
Fd parent_of(const Fd& file) { return Fd(::ioctl(file.get(), NS_GET_PARENT)); }

struct OwnerUid {
  int error;
  uid_t uid;
  friend bool operator==(const OwnerUid&, const OwnerUid&) = default;
};
OwnerUid owner_uid_of(const Fd& file) {
  uid_t uid = 0;
  const int error = error_of(::ioctl(file.get(), NS_GET_OWNER_UID, &uid));
  return {error, uid};
}

TEST(NsfsIoctl, UserNamespaceHasItsMakersAsOwnerAndParent) {
  BEHAVIOUR("AP02");
  REQUIRES(userns);
  const UserScratch scratch;

  const Fd owner = owner_of(scratch.open("ns/net"));
  const Fd parent = parent_of(scratch.open("ns/user"));
  const Fd owner_of_owner = owner_of(scratch.open("ns/user"));

  ASSERT_TRUE(owner);
  ASSERT_TRUE(parent);
  ASSERT_TRUE(owner_of_owner);
  EXPECT_EQ(id_of(owner), id_of(scratch.open("ns/user")));
  EXPECT_EQ(id_of(parent), current_userns());
  EXPECT_EQ(id_of(owner_of_owner), current_userns());
}

TEST(NsfsIoctl, PidNamespaceShowsItsParentToThatOneOnly) {
  BEHAVIOUR("AP02");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId own, parent;
    int unshared, of_net;
  };

  const auto seen = answer_of_owner([] {
    Seen answer{};
    answer.own = id_of(open_own("pid"));
    answer.unshared = error_of(::unshare(CLONE_NEWPID));
    // Its init throws unless the parent is hidden from it.
    const ParkedProcess init([] {
      const int error = error_of(parent_of(open_own("pid")));
      return error == EPERM ? 0 : error == 0 ? EEXIST : error;
    });
    const Fd parent = parent_of(init.open("ns/pid"));
    answer.parent = parent ? id_of(parent) : NamespaceId{};
    answer.of_net = error_of(parent_of(open_own("net")));
    return answer;
  });

  EXPECT_EQ(seen.unshared, 0);
  EXPECT_EQ(seen.parent, seen.own);
  EXPECT_EQ(seen.of_net, EINVAL);
}

TEST(NsfsIoctl, NothingAboveTheCallersUserNamespaceIsShown) {
  BEHAVIOUR("AP02");
  EXPECT_EQ(error_of(parent_of(open_own("user"))), EPERM);
  EXPECT_EQ(error_of(owner_of(open_own("user"))), EPERM);
}

TEST(NsfsIoctl, FileThatIsNoNamespaceHasNone) {
  BEHAVIOUR("AP02 AP03 AP04");
  const auto errors = [](const Fd& file, const Fd& socket) {
    uid_t uid = 0;
    return std::array{error_of(::ioctl(file.get(), NS_GET_USERNS)),
                      error_of(::ioctl(file.get(), NS_GET_PARENT)),
                      error_of(::ioctl(file.get(), NS_GET_NSTYPE)),
                      error_of(::ioctl(file.get(), NS_GET_OWNER_UID, &uid)),
                      error_of(::ioctl(socket.get(), SIOCGSKNS))};
  };
  const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(errors(file, file), Each(ENOTTY));
  // Not because the kernel has none of these.
  EXPECT_THAT(errors(open_own("user"), Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
              Each(Ne(ENOTTY)));
}

TEST(NsfsIoctl, TypeIsTheCloneFlagOfEachKind) {
  BEHAVIOUR("AP04");
  const std::map<std::string, int> kinds{
      {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},   {"mnt", CLONE_NEWNS},
      {"net", CLONE_NEWNET},       {"pid", CLONE_NEWPID},   {"pid_for_children", CLONE_NEWPID},
      {"time", CLONE_NEWTIME},     {"user", CLONE_NEWUSER}, {"uts", CLONE_NEWUTS}};
  for (const auto& [name, flag] : kinds) {
    SCOPED_TRACE(name);
    EXPECT_EQ(::ioctl(open_own(name).get(), NS_GET_NSTYPE), flag);
  }
}

TEST(NsfsIoctl, OwnerUidIsItsMakersAsTheCallerSeesIt) {
  BEHAVIOUR("AP04");
  REQUIRES(userns);
  const UserScratch scratch;
  const Fd file = scratch.open("ns/user");

  EXPECT_EQ(owner_uid_of(file), (OwnerUid{0, ::geteuid()}));
  EXPECT_EQ(owner_uid_of(scratch.open("ns/net")).error, EINVAL);
  const auto unmapped = answer_of_child([&] {
    const int unshared = unshare_mapped(CLONE_NEWUSER, /*map=*/false);
    return unshared != 0 ? OwnerUid{unshared, 0} : owner_uid_of(file);
  });
  // user_namespaces(7): an uid without mapping is the overflow uid.
  EXPECT_EQ(unmapped, (OwnerUid{0, 65534}));
}

TEST(NsfsIoctl, SocketLeadsToTheNamespaceItWasMadeIn) {
  BEHAVIOUR("AP03");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId by_socket, target, own;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const auto socket = in_netns(Target::process(other.pid()), [] {
      return Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    });
    return Seen{netns_of_socket(socket.value()), other.id(), current_netns()};
  });

  EXPECT_EQ(seen.by_socket, seen.target);
  EXPECT_NE(seen.by_socket, seen.own);
}

}  // namespace
}  // namespace nsgate::test
