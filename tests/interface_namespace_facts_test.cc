// SPDX-License-Identifier: Apache-2.0
//
// What a mount namespace and a pid namespace tell since Linux 6.11 and 6.12 (linux/nsfs.h).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <set>
#include <utility>

#include "support/either_user.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/newer_interfaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }
Fd own_mounts() { return open_own("/proc/self/ns/mnt"); }

struct Id {
  int error;
  std::uint64_t id;
};
Id mount_namespace_id(const Fd& file) {
  std::uint64_t id = 0;
  const int error = error_of(::ioctl(file.get(), ns_get_mntns_id, &id));
  return {error, id};
}

struct Info {
  int error;
  MountNamespaceInfo told;
};
Info info_of(const Fd& file) {
  MountNamespaceInfo told{};
  const int error = error_of(::ioctl(file.get(), ns_mnt_get_info, &told));
  return {error, told};
}

/// Unshared mounts, from which nothing propagates.
int own_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  return error_of(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
}

// ioctl_nsfs(2) and linux/nsfs.h: NS_GET_MNTNS_ID by this number since Linux 6.12.
int mntns_id_error() { return on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 12}, 0}}); }
int mount_info_error() { return on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 12}, 0}}); }

TEST(NsfsIoctl, MountNamespaceHasAnIdOfItsOwn) {
  BEHAVIOUR("AP17");
  REQUIRES(own_netns);
  struct Seen {
    Id own, again, other;
    Id of_net;
  };

  const auto seen = answer_of_owner([] {
    const ParkedProcess other([] { return error_of(::unshare(CLONE_NEWNS)); });
    return Seen{mount_namespace_id(own_mounts()), mount_namespace_id(own_mounts()),
                mount_namespace_id(other.open("ns/mnt")),
                mount_namespace_id(open_own("/proc/self/ns/net"))};
  });

  EXPECT_EQ(seen.own.error, mntns_id_error());
  EXPECT_EQ(seen.other.error, mntns_id_error());
  EXPECT_EQ(seen.of_net.error, on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 12}, EINVAL}}));
  if (mntns_id_error() != 0) return;
  EXPECT_NE(seen.own.id, 0u);
  EXPECT_EQ(seen.own.id, seen.again.id);
  EXPECT_NE(seen.own.id, seen.other.id);
}

TEST(NsfsIoctl, PidIsTranslatedFromANamespaceAndToIt) {
  BEHAVIOUR("AP17");
  REQUIRES(own_netns);
  struct Seen {
    pid_t pid;
    int from, leader_from, in, leader_in, missing, not_inside, of_net;
  };

  const auto seen = answer_of_owner([] {
    const int unshared = error_of(::unshare(CLONE_NEWPID));
    const ParkedProcess init([] { return 0; });
    const Fd pids = init.open("ns/pid");
    const auto told = [](const Fd& file, unsigned long request, pid_t pid) {
      const int answer = ::ioctl(file.get(), request, static_cast<unsigned long>(pid));
      return answer < 0 ? -errno : answer;
    };
    return Seen{unshared == 0 ? init.pid() : 0,
                told(pids, ns_get_pid_from_pidns, 1),
                told(pids, ns_get_tgid_from_pidns, 1),
                told(pids, ns_get_pid_in_pidns, init.pid()),
                told(pids, ns_get_tgid_in_pidns, init.pid()),
                told(pids, ns_get_pid_from_pidns, 4000),
                told(pids, ns_get_pid_in_pidns, ::getpid()),
                told(open_own("/proc/self/ns/net"), ns_get_pid_from_pidns, 1)};
  });

  // linux/nsfs.h of Linux 6.11.
  const auto expected = [](int answer) {
    return on_this_kernel<int>({{{0, 0}, -ENOTTY}, {{6, 11}, answer}});
  };
  EXPECT_EQ(seen.from, expected(seen.pid));
  EXPECT_EQ(seen.leader_from, expected(seen.pid));
  EXPECT_EQ(seen.in, expected(1));
  EXPECT_EQ(seen.leader_in, expected(1));
  EXPECT_EQ(seen.missing, expected(-ESRCH));
  EXPECT_EQ(seen.not_inside, expected(-ESRCH));
  EXPECT_EQ(seen.of_net, expected(-EINVAL));
}

TEST(NsfsIoctl, MountNamespaceCountsItsMounts) {
  BEHAVIOUR("AP18");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    int prepared;
    Info before, after;
    Id id;
    int of_net;
  };

  const auto seen = answer_of_owner([] {
    Seen answer{};
    answer.prepared = own_mount_namespace();
    answer.before = info_of(own_mounts());
    if (::mount("none", "/tmp", "tmpfs", 0, nullptr) != 0) answer.prepared = errno;
    answer.after = info_of(own_mounts());
    answer.id = mount_namespace_id(own_mounts());
    answer.of_net = info_of(open_own("/proc/self/ns/net")).error;
    return answer;
  });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.before.error, mount_info_error());
  EXPECT_EQ(seen.of_net, on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 12}, EINVAL}}));
  if (mount_info_error() != 0) return;
  EXPECT_EQ(seen.before.told.size, sizeof(MountNamespaceInfo));
  EXPECT_EQ(seen.after.told.mounts, seen.before.told.mounts + 1);
  EXPECT_EQ(seen.after.told.id, seen.id.id);
}

/// The mount namespaces from the caller's on, as far as it may go, and the errno at the end.
struct Walk {
  int end;
  bool reached;  ///< the one that was looked for
  bool named;    ///< its id came with its descriptor
};
Walk walk(unsigned long direction, std::uint64_t wanted) {
  Walk seen{};
  Fd at = own_mounts();
  while (true) {
    MountNamespaceInfo told{};
    Fd next(::ioctl(at.get(), direction, &told));
    if (!next) {
      seen.end = errno;
      return seen;
    }
    if (mount_namespace_id(next).id == wanted) {
      seen.reached = true;
      seen.named = told.id == wanted;
    }
    at = std::move(next);
  }
}

TEST(NsfsIoctl, RootWalksFromOneMountNamespaceToTheNext) {
  BEHAVIOUR("AP18");
  REQUIRES(root);
  struct Seen {
    Walk up, down;
  };

  const auto seen = answer_of_child([] {
    const ParkedProcess other([] { return error_of(::unshare(CLONE_NEWNS)); });
    const auto wanted = mount_namespace_id(other.open("ns/mnt")).id;
    const int unshared = error_of(::unshare(CLONE_NEWNS));
    const auto later = unshared == 0 ? mount_namespace_id(own_mounts()).id : 0;
    const auto up = walk(ns_mnt_get_next, wanted);
    const auto down = walk(ns_mnt_get_prev, wanted);
    return later > wanted ? Seen{up, down} : Seen{down, up};
  });

  const int end = on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 12}, ENOENT}});
  EXPECT_EQ(seen.up.end, end);
  EXPECT_EQ(seen.down.end, end);
  EXPECT_FALSE(seen.up.reached);
  EXPECT_EQ(seen.down.reached, running_kernel() >= (KernelVersion{6, 12}));
  EXPECT_EQ(seen.down.named, seen.down.reached);
}

TEST(NsfsIoctl, OwnerOfMountNamespacesIsLedToNoOther) {
  BEHAVIOUR("AP18");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    Walk up, down;
  };

  // Made by the test's user beforehand, and out of reach of the user namespace below.
  const ParkedProcess other([] { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNS); });
  const auto foreign = mount_namespace_id(other.open("ns/mnt")).id;
  const auto seen = answer_of_child([&] {
    if (unshare_mapped(CLONE_NEWUSER | CLONE_NEWNS) != 0) return Seen{};
    return Seen{walk(ns_mnt_get_next, foreign), walk(ns_mnt_get_prev, foreign)};
  });

  // "nsfs: tighten permission checks for ns iteration ioctls", e6b899f08066, Linux 7.0; measured:
  // Debian's 6.12.117 and a 6.18.44 have it as well.
  const int end = on_this_kernel<int>({{{0, 0}, ENOTTY}, {{6, 12}, EPERM}});
  EXPECT_EQ(seen.up.end, end);
  EXPECT_EQ(seen.down.end, end);
  EXPECT_FALSE(seen.up.reached);
  EXPECT_FALSE(seen.down.reached);
}

}  // namespace
}  // namespace nsgate::test
