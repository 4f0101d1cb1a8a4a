// SPDX-License-Identifier: Apache-2.0
//
// Files as targets: names under /run/netns, the placeholders they leave, and how they may be
// opened.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

Fd open_file(const std::string& path, int flags = O_RDONLY) {
  return Fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

long magic_of(const Fd& file) {
  struct statfs status {};
  return ::fstatfs(file.get(), &status) == 0 ? static_cast<long>(status.f_type) : -1;
}

/// The CLONE_NEW… of a namespace file, or the errno, negated.
int type_of(const Fd& file) {
  const int type = ::ioctl(file.get(), NS_GET_NSTYPE);
  return type < 0 ? -errno : type;
}

TEST(Netns, PathThatDoesNotExistIsRefusedAtOpen) {
  BEHAVIOUR("TR11");
  const OpenFds before;

  EXPECT_THAT(enter_both_ways(Target::path("no such file")), Each(refused(Stage::open, ENOENT)));
  EXPECT_THAT(enter_both_ways(Target::path("")), Each(refused(Stage::open, ENOENT)));
  EXPECT_THAT(enter_both_ways(Target::path("/dev/null/blue")), Each(refused(Stage::open, ENOTDIR)));
  EXPECT_EQ(OpenFds(), before);
}

TEST(Netns, PlaceholderIsToldFromANamespaceAtOpen) {
  BEHAVIOUR("TR07");
  const Fd placeholder = open_file("placeholder", O_RDONLY | O_CREAT);
  const Fd netns = open_file("/proc/self/ns/net");
  const OpenFds before;

  EXPECT_THAT(enter_both_ways(Target::path("placeholder")), Each(refused(Stage::open, EINVAL)));
  EXPECT_EQ(OpenFds(), before);
  // The kernel itself would say so only when it is joined.
  EXPECT_EQ(setns_error(placeholder.get(), CLONE_NEWNET), EINVAL);
  EXPECT_EQ(magic_of(netns), NSFS_MAGIC);
  EXPECT_NE(magic_of(placeholder), NSFS_MAGIC);
  EXPECT_EQ(type_of(netns), CLONE_NEWNET);
  EXPECT_EQ(type_of(placeholder), -ENOTTY);
}

TEST(Netns, PlaceholderOfModeZeroIsRefusedAtOpenWithoutPrivilege) {
  BEHAVIOUR("TR08");
  REQUIRES(rootless);
  ASSERT_TRUE(open_file("placeholder", O_RDONLY | O_CREAT));
  ASSERT_EQ(::chmod("placeholder", 0), 0);

  EXPECT_THAT(enter_both_ways(Target::path("placeholder")), Each(refused(Stage::open, EACCES)));
}

TEST(Netns, NameIsEnteredWhileMountedAndAPlaceholderAfterwards) {
  BEHAVIOUR("TR07 LT02");
  REQUIRES(own_netns);
  REQUIRES(mounts);

  const auto [mounted, unmounted] = answer_of_owner([] {
    must_own_run();
    NamedNetns blue("blue", ScratchNetns().open("ns/net"));
    const auto while_mounted = enter_both_ways(Target::path(blue.path()));
    blue.unmount();
    return std::array{while_mounted, enter_both_ways(Target::path(blue.path()))};
  });

  EXPECT_THAT(mounted, Each(exited(0)));
  EXPECT_THAT(unmounted, Each(refused(Stage::open, EINVAL)));
}

TEST(Netns, SafeOpeningTellsALinkOfProcFromAMountedName) {
  BEHAVIOUR("TR20");
  REQUIRES(own_netns);
  REQUIRES(mounts);

  const auto link = std::array{
      error_of(open_file("/proc/self/ns/net", O_RDONLY | O_NOFOLLOW)),
      error_of(open_resolving("/proc/self/ns/net", RESOLVE_NO_MAGICLINKS)),
      error_of(open_resolving("/proc/self/ns/net", RESOLVE_NO_XDEV)),
  };
  const auto name = answer_of_owner([] {
    must_own_run();
    const NamedNetns blue("blue", open_file("/proc/self/ns/net"));
    const char* path = blue.path().c_str();
    return std::array{error_of(open_file(path, O_RDONLY | O_NOFOLLOW)),
                      error_of(open_resolving(path, RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)),
                      error_of(open_resolving(path, RESOLVE_NO_XDEV))};
  });

  EXPECT_THAT(link, ElementsAre(ELOOP, ELOOP, EXDEV));
  EXPECT_THAT(name, ElementsAre(0, 0, EXDEV));
}

struct Attempts {
  int read, write;
  std::array<Ended, 2> both_ways;
};

Attempts attempt(const std::string& path) {
  return {.read = error_of(open_file(path)),
          .write = error_of(open_file(path, O_RDWR)),
          .both_ways = enter_both_ways(Target::path(path))};
}

// For a process it is the opening that is refused (TR09).
TEST(Netns, NameOfAnotherUsersNamespaceIsRefusedBySetns) {
  BEHAVIOUR("TR21");
  REQUIRES(root);
  REQUIRES(mounts);

  const auto nobodys = answer_of_owner([] {
    must_own_run();
    const NamedNetns blue("blue", ScratchNetns().open("ns/net"));
    return answer_of_child([&] {
      become_unprivileged();
      return attempt(blue.path());
    });
  });

  EXPECT_EQ(nobodys.read, 0);
  EXPECT_EQ(nobodys.write, EPERM);
  EXPECT_THAT(nobodys.both_ways, Each(refused(Stage::setns_net, EPERM)));
}

TEST(Netns, NameOfTheHostsNamespaceIsRefusedBySetnsInAUserNamespace) {
  BEHAVIOUR("TR21");
  REQUIRES(rootless);
  REQUIRES(mounts);
  const Fd host = open_file("/proc/self/ns/net");

  const auto rootless = answer_of_owner([&] {
    must_own_run();
    const NamedNetns blue("blue", host);
    return attempt(blue.path());
  });

  EXPECT_EQ(rootless.read, 0);
  EXPECT_EQ(rootless.write, EPERM);
  EXPECT_THAT(rootless.both_ways, Each(refused(Stage::setns_net, EPERM)));
}

TEST(Netns, MountedNameCannotBeRemovedButDetached) {
  BEHAVIOUR("TR25");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    int unlink_mounted, unlink_detached;
    std::array<Ended, 2> by_descriptor;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    NamedNetns blue("blue", ScratchNetns().open("ns/net"));
    const Fd opened_before = open_file(blue.path());
    const int unlink_mounted = error_of(::unlink(blue.path().c_str()));
    blue.unmount();
    return Seen{.unlink_mounted = unlink_mounted,
                .unlink_detached = error_of(::unlink(blue.path().c_str())),
                .by_descriptor = enter_both_ways(Target::descriptor(opened_before.get()))};
  });

  EXPECT_EQ(seen.unlink_mounted, EBUSY);
  EXPECT_EQ(seen.unlink_detached, 0);
  EXPECT_THAT(seen.by_descriptor, Each(exited(0)));
}

/// For a child of one that owns its /run: mounts its own network namespace on `path`, in a mount
/// namespace that nobody else has.
int mount_apart(const std::string& path) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) return errno;
  return error_of(::mount("/proc/self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr));
}

TEST(Netns, NameMountedInAnotherMountNamespaceIsAPlaceholderHereAndRemovable) {
  BEHAVIOUR("TR24 TR25");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    int unlink;
    std::array<Ended, 2> here, there, there_after_unlink;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const std::string path = "/run/netns/blue";
    open_file(path, O_RDONLY | O_CREAT);
    const ParkedProcess apart([&] { return mount_apart(path); });
    const auto there = Target::path("/proc/" + std::to_string(apart.pid()) + "/root" + path);
    Seen answer{};
    answer.here = enter_both_ways(Target::path(path));
    answer.there = enter_both_ways(there);
    answer.unlink = error_of(::unlink(path.c_str()));
    answer.there_after_unlink = enter_both_ways(there);
    return answer;
  });

  EXPECT_THAT(seen.here, Each(refused(Stage::open, EINVAL)));
  EXPECT_THAT(seen.there, Each(exited(0)));
  EXPECT_EQ(seen.unlink, 0);
  EXPECT_THAT(seen.there_after_unlink, Each(refused(Stage::open, ENOENT)));
}

}  // namespace
}  // namespace nsgate::test
