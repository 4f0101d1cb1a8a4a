// SPDX-License-Identifier: Apache-2.0
//
// listns(2), since Linux 6.19: which namespaces there are, and who is told of which.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "support/both_ways.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/listns.h"
#include "support/namespace_handle.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// 76b6f5dfb3fd "nstree: add listns()", Linux 6.19.
bool has_listns() { return running_kernel() >= KernelVersion{6, 19}; }
int listns_error() { return has_listns() ? 0 : ENOSYS; }

std::uint64_t number_of(const Fd& file) {
  std::uint64_t id = 0;
  return ::ioctl(file.get(), ns_get_id, &id) == 0 ? id : 0;
}
std::uint64_t own_number(const char* file) {
  return number_of(Fd(::open(file, O_RDONLY | O_CLOEXEC)));
}

TEST(Listns, RootIsToldOfEveryNetworkNamespaceInAscendingOrder) {
  BEHAVIOUR("AP25 AP26");
  REQUIRES(root);
  const ScratchNetns one;
  const ScratchNetns other;

  const auto listed = list_namespaces({.types = CLONE_NEWNET});
  const auto one_by_one = list_namespaces({.types = CLONE_NEWNET}, 1);
  const auto users = list_namespaces({.types = CLONE_NEWUSER});

  EXPECT_EQ(listed.error, listns_error());
  EXPECT_EQ(listed.has(number_of(one.open("ns/net"))), has_listns());
  EXPECT_EQ(listed.has(number_of(other.open("ns/net"))), has_listns());
  EXPECT_EQ(listed.has(own_number("/proc/self/ns/net")), has_listns());
  EXPECT_FALSE(listed.has(own_number("/proc/self/ns/user")));
  EXPECT_TRUE(std::ranges::is_sorted(listed.ids));
  EXPECT_EQ(one_by_one.ids, listed.ids);
  EXPECT_EQ(users.has(own_number("/proc/self/ns/user")), has_listns());
}

TEST(Listns, IdThatItTellsIsEnoughToEnter) {
  BEHAVIOUR("AP25");
  REQUIRES(root);
  ScratchNetns other;
  const Fd file = other.open("ns/net");
  const auto number = number_of(file);
  const bool told = list_namespaces({.types = CLONE_NEWNET}).has(number);

  // Where nothing lists them, the descriptor is what leads in.
  const Fd by_id = told ? open_handle({.id = number, .type = 0, .inode = 0}) : other.open("ns/net");

  EXPECT_EQ(told, has_listns());
  EXPECT_EQ(id_of(by_id), other.id());
  EXPECT_THAT(enter_both_ways(Target::descriptor(by_id.get())), Each(exited(0)));
}

TEST(Listns, OwnerNarrowsTheList) {
  BEHAVIOUR("AP25");
  REQUIRES(root);
  REQUIRES(userns);
  const UserScratch owner;
  const ScratchNetns roots;
  const auto owned = number_of(owner.open("ns/net"));

  const auto listed =
      list_namespaces({.types = CLONE_NEWNET, .owner = number_of(owner.open("ns/user"))});
  const auto of_caller = list_namespaces({.types = CLONE_NEWNET, .owner = listns_current_user});

  EXPECT_EQ(listed.error, listns_error());
  if (!has_listns()) return;
  EXPECT_THAT(listed.ids, ElementsAre(owned));
  EXPECT_TRUE(of_caller.has(number_of(roots.open("ns/net"))));
  EXPECT_FALSE(of_caller.has(owned));
}

TEST(Listns, RefusesWhatItDoesNotKnow) {
  BEHAVIOUR("AP25");
  std::array<std::uint64_t, 4> ids{};
  const auto ask = [&](NamespaceIdRequest request, unsigned flags) {
    return error_of(::syscall(sys_listns, &request, ids.data(), ids.size(), flags));
  };

  const auto expected = [](int error) { return has_listns() ? error : ENOSYS; };
  EXPECT_EQ(ask({}, 1), expected(EINVAL));
  EXPECT_EQ(ask({.spare = 1}, 0), expected(EINVAL));
  EXPECT_EQ(ask({.size = 8}, 0), expected(EINVAL));
  EXPECT_EQ(ask({.types = CLONE_VM}, 0), expected(EOPNOTSUPP));
  EXPECT_EQ(ask({.owner = 1}, 0), expected(EINVAL));
}

/// In a form that a child can send.
struct Told {
  int prepared, error;
  std::size_t count;
  bool own, foreign;
};
Told what_is_told(std::uint64_t foreign) {
  const auto listed = list_namespaces({.types = CLONE_NEWNET});
  return {0, listed.error, listed.ids.size(), listed.has(own_number("/proc/self/ns/net")),
          listed.has(foreign)};
}

/// "nstree: tighten permission checks for listing", 8d76afe84fa2, Linux 7.0 and 6.19.y: the
/// caller's own namespaces, unless it has CAP_SYS_ADMIN in the initial pid namespace.
void expect_own_only(const Told& told) {
  EXPECT_EQ(told.prepared, 0);
  EXPECT_EQ(told.error, listns_error());
  EXPECT_EQ(told.own, has_listns());
  EXPECT_FALSE(told.foreign);
  EXPECT_EQ(told.count, has_listns() ? 1u : 0u);
}

TEST(Listns, NobodyIsToldOfItsOwnOnly) {
  BEHAVIOUR("AP26");
  REQUIRES(own_netns);
  const OwnScratch other;
  const auto foreign = number_of(other.open("ns/net"));

  expect_own_only(answer_of_child([&] {
    const int dropped = become_unprivileged();
    return dropped != 0 ? Told{dropped, 0, 0, false, false} : what_is_told(foreign);
  }));
}

TEST(Listns, OwnerOfAUserNamespaceIsToldOfTheNamespaceItIsInOnly) {
  BEHAVIOUR("AP26");
  REQUIRES(userns);

  expect_own_only(answer_of_child([] {
    if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) {
      return Told{error, 0, 0, false, false};
    }
    const ScratchNetns owned;
    return what_is_told(number_of(owned.open("ns/net")));
  }));
}

TEST(Listns, RootOfAnotherPidNamespaceIsToldOfItsOwnOnly) {
  BEHAVIOUR("AP26");
  REQUIRES(root);
  const ScratchNetns other;
  const auto foreign = number_of(other.open("ns/net"));

  expect_own_only(answer_of_child([&] {
    if (::unshare(CLONE_NEWPID) != 0) return Told{errno, 0, 0, false, false};
    return answer_of_child([&] { return what_is_told(foreign); });
  }));
}

}  // namespace
}  // namespace nsgate::test
