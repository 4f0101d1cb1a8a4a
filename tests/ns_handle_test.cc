// SPDX-License-Identifier: Apache-2.0
//
// Namespaces by file handle, since Linux 6.18: a name that keeps nothing alive, and which one may
// open. Before, a namespace has no such name, and its descriptor is the only thing to keep.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "nsgate/in_netns.h"
#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/initial_userns.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespace_handle.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

// 5222470b2fbb "nsfs: support file handles", Linux 6.18.
bool has_handles() { return running_kernel() >= KernelVersion{6, 18}; }
/// Whether the caller has CAP_DAC_READ_SEARCH in the initial user namespace.
enum class Caller { privileged, unprivileged };
/// Root of a container has no right over the file system of namespaces.
Caller test_user() {
  return ::geteuid() == 0 && in_initial_userns() ? Caller::privileged : Caller::unprivileged;
}
/// What open_by_handle_at says of FD_NSFS_ROOT where it is no name of anything.
int no_root(Caller caller) {
  if (caller == Caller::privileged) return EBADF;
  // "fhandle: relax open_by_handle_at() permission checks", 620c266f3949, Linux 6.11.
  return on_this_kernel<int>({{{0, 0}, EPERM}, {{6, 11}, EBADF}});
}

Fd open_own(const char* file) { return Fd(::open(file, O_RDONLY | O_CLOEXEC)); }

TEST(NamespaceHandle, TellsIdTypeAndInode) {
  BEHAVIOUR("AP21 TR32");
  const Fd own = open_own("/proc/self/ns/net");

  const auto named = handle_of(own);

  ASSERT_EQ(named.error, has_handles() ? 0 : EOPNOTSUPP);
  if (!has_handles()) return;
  std::uint64_t id = 0;
  ASSERT_EQ(::ioctl(own.get(), ns_get_id, &id), 0);
  EXPECT_EQ(named.type, fileid_nsfs);
  EXPECT_EQ(named.size, sizeof(NsfsFileHandle));
  EXPECT_EQ(named.handle.id, id);
  EXPECT_EQ(named.handle.type, static_cast<std::uint32_t>(CLONE_NEWNET));
  EXPECT_EQ(named.handle.inode, id_of(own).inode);
}

/// How a handle was opened, and where it led.
struct Reopened {
  int error;
  bool same;  ///< as the descriptor that it was made of
};

Reopened reopen(const NsfsFileHandle& handle, const NamespaceId& expected) {
  const Fd again = open_handle(handle);
  const int error = error_of(again);
  return {error, again && id_of(again) == expected};
}

/// Of a handle that ought to lead to its namespace.
void expect_reopened(const Reopened& seen, Caller caller) {
  EXPECT_EQ(seen.error, has_handles() ? 0 : no_root(caller));
  EXPECT_EQ(seen.same, has_handles());
}

TEST(NamespaceHandle, OwnNamespaceIsReopenedWithoutPrivilege) {
  BEHAVIOUR("AP21 TR32");
  const Fd own = open_own("/proc/self/ns/net");
  const auto handle = handle_of(own).handle;
  const auto expected = id_of(own);

  const auto seen = answer_of_child([&] {
    const int dropped = become_unprivileged();
    return dropped != 0 ? Reopened{dropped, false} : reopen(handle, expected);
  });

  expect_reopened(seen, Caller::unprivileged);
}

TEST(NamespaceHandle, NeedsOnlyTheIdSinceLinux619) {
  BEHAVIOUR("AP21");
  const Fd own = open_own("/proc/self/ns/net");
  auto handle = handle_of(own).handle;
  const auto expected = id_of(own);
  handle.type = 0;
  handle.inode = 0;

  // Looked up among all kinds since listns(2), Linux 6.19; measured: not by 6.18.44.
  EXPECT_EQ(reopen(handle, expected).error,
            on_this_kernel<int>({{{0, 0}, no_root(test_user())}, {{6, 18}, ESTALE}, {{6, 19}, 0}}));

  handle.type = CLONE_NEWNET;
  EXPECT_EQ(reopen(handle, expected).error, has_handles() ? ESTALE : no_root(test_user()));
}

TEST(NamespaceHandle, RootReopensAForeignOneAndEntersIt) {
  BEHAVIOUR("AP21 TR32");
  REQUIRES(root);
  const ScratchNetns other;
  const auto handle = handle_of(other.open("ns/net")).handle;

  expect_reopened(reopen(handle, other.id()), Caller::privileged);

  // Where there are no handles, the descriptor is what can be kept.
  Fd kept = open_handle(handle);
  if (!kept) kept = other.open("ns/net");
  EXPECT_THAT(enter_both_ways(Target::descriptor(kept.get())), Each(exited(0)));
}

TEST(NamespaceHandle, ForeignOneIsStaleToANobodyAndToTheRootOfAChildNamespace) {
  BEHAVIOUR("TR32 AP26");
  REQUIRES(userns);
  const OwnScratch other;
  const Fd file = other.open("ns/net");
  const auto handle = handle_of(file).handle;
  const auto expected = id_of(file);

  const auto nobody = answer_of_child([&] {
    const int dropped = become_unprivileged();
    return dropped != 0 ? Reopened{dropped, false} : reopen(handle, expected);
  });
  const auto child_root = answer_of_child([&] {
    const int unshared = unshare_mapped(CLONE_NEWUSER);
    return unshared != 0 ? Reopened{unshared, false} : reopen(handle, expected);
  });

  // The EPERM of nsfs_fh_to_dentry does not come through (fs/fhandle.c).
  const int stale = has_handles() ? ESTALE : no_root(Caller::unprivileged);
  // The test's user made the other's user namespace, and so has every capability in it
  // (user_namespaces(7)), which Linux 7.0 no longer asks for.
  const int made_by_test_user =
      on_this_kernel<int>({{{0, 0}, stale}, {{6, 18}, 0}, {{7, 0}, ESTALE}});
  EXPECT_EQ(nobody.error, test_user() == Caller::privileged ? stale : made_by_test_user);
  EXPECT_EQ(child_root.error, stale);
}

TEST(NamespaceHandle, ForeignOneIsStaleToItsOwnerSinceLinux70) {
  BEHAVIOUR("TR32 AP26");
  REQUIRES(userns);

  const auto seen = answer_of_child([] {
    if (const int error = unshare_mapped(CLONE_NEWUSER); error != 0) return Reopened{error, false};
    const ScratchNetns other;
    return reopen(handle_of(other.open("ns/net")).handle, other.id());
  });

  // "nsfs: tighten permission checks for handle opening", Linux 7.0: whoever is not in the initial
  // pid namespace with CAP_SYS_ADMIN there opens its own only. Measured: not in 6.18.44.
  EXPECT_EQ(seen.error,
            on_this_kernel<int>(
                {{{0, 0}, no_root(Caller::unprivileged)}, {{6, 18}, 0}, {{7, 0}, ESTALE}}));
}

/// The namespace of a process that has ended, while `hold` of it is held, and after.
struct Held {
  bool alive;
  Reopened held;
  Ended entered;
  bool ended;
  int after;
};

template <typename Hold>
Held reopen_while(Hold hold) {
  return answer_of_child([&] {
    Held seen{};
    if (::unshare(CLONE_NEWNET) != 0) return seen;
    ScratchNetns target;
    const auto id = target.id();
    const auto handle = handle_of(target.open("ns/net")).handle;
    const NetnsWatch watch(target.open("ns/net"));
    auto held = std::make_optional(hold(target));
    target.reap();
    seen.alive = watch.alive();
    seen.held = reopen(handle, id);
    if (const Fd again = open_handle(handle)) {
      seen.entered = enter_both_ways(Target::descriptor(again.get()))[0];
    }
    wait_until_single_threaded();
    held.reset();
    seen.ended = watch.sees_end();
    seen.after = error_of(open_handle(handle));
    return seen;
  });
}

void expect_dead(const Held& seen) {
  EXPECT_TRUE(seen.alive);
  EXPECT_TRUE(seen.ended);
  EXPECT_EQ(seen.after, has_handles() ? ESTALE : no_root(Caller::privileged));
}

TEST(NamespaceHandle, OneHeldByADescriptorIsReopenedAndADeadOneIsStale) {
  BEHAVIOUR("TR32");
  REQUIRES(root);

  const auto seen = reopen_while([](const ParkedProcess& target) { return target.open("ns/net"); });

  expect_reopened(seen.held, Caller::privileged);
  if (has_handles()) {
    EXPECT_EQ(seen.entered, exited(0));
  }
  expect_dead(seen);
}

TEST(NamespaceHandle, OneHeldByAMountOnlyIsReopened) {
  BEHAVIOUR("TR33");
  REQUIRES(root);
  REQUIRES(mounts);

  const auto seen = reopen_while([](const ParkedProcess& target) {
    must_own_run();
    return std::make_unique<NamedNetns>("blue", target.open("ns/net"));
  });

  expect_reopened(seen.held, Caller::privileged);
  if (has_handles()) {
    EXPECT_EQ(seen.entered, exited(0));
  }
  expect_dead(seen);
}

TEST(NamespaceHandle, OneHeldByAMountInTheMountNamespaceOfAnotherIsReopened) {
  BEHAVIOUR("TR33");
  REQUIRES(root);
  REQUIRES(mounts);

  const auto seen = reopen_while([](const ParkedProcess& target) {
    // The mount outlives what made it, in the process's mount namespace, which is in no other's
    // way.
    return std::make_unique<ParkedProcess>([&] {
      must_own_run();
      // Never destroyed: the mount goes with its namespace.
      new NamedNetns("blue", target.open("ns/net"));
      return 0;
    });
  });

  expect_reopened(seen.held, Caller::privileged);
  if (has_handles()) {
    EXPECT_EQ(seen.entered, exited(0));
  }
  expect_dead(seen);
}

TEST(NamespaceHandle, OneHeldByASocketOnlyIsStaleUntilTheSocketNamesIt) {
  BEHAVIOUR("TR33 TR32");
  REQUIRES(root);
  struct Seen {
    bool alive;
    int before, by_socket, after;
  };

  const auto seen = answer_of_child([]() -> Seen {
    if (::unshare(CLONE_NEWNET) != 0) return {};
    ScratchNetns target;
    const auto handle = handle_of(target.open("ns/net")).handle;
    const NetnsWatch watch(target.open("ns/net"));
    const auto socket = in_netns(Target::process(target.pid()), [] {
      return Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    });
    wait_until_single_threaded();
    target.reap();
    const bool alive = watch.alive();
    const int before = error_of(open_handle(handle));
    const Fd again(::ioctl(socket.value().get(), 0x894C /* SIOCGSKNS */));
    const int by_socket = error_of(again);
    return {alive, before, by_socket, error_of(open_handle(handle))};
  });

  EXPECT_TRUE(seen.alive);
  EXPECT_EQ(seen.by_socket, 0);
  // Active references, Linux 6.19: processes, descriptors and mounts count, sockets do not.
  EXPECT_EQ(seen.before, on_this_kernel<int>({{{0, 0}, EBADF}, {{6, 18}, 0}, {{6, 19}, ESTALE}}));
  EXPECT_EQ(seen.after, has_handles() ? 0 : no_root(Caller::privileged));
}

}  // namespace
}  // namespace nsgate::test
