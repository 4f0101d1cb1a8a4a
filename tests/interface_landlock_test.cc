// SPDX-License-Identifier: Apache-2.0
//
// Landlock has no rule about namespaces: a domain that handles every right that the running kernel
// knows, and allows nothing, keeps nobody from a network namespace that is held by descriptor.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::AnyOf;
using ::testing::Ge;

/// struct landlock_ruleset_attr of whatever release: words of rights, and more than any has.
using Rights = std::array<std::uint64_t, 16>;

Fd create_ruleset(const Rights& rights) {
  return Fd(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, rights.data(), sizeof rights, 0)));
}

/// Every bit of every word that the kernel takes.
Rights known_rights() {
  Rights known{};
  for (auto& word : known) {
    for (int bit = 0; bit < 64; ++bit) {
      const auto without = word;
      word |= std::uint64_t{1} << bit;
      if (!create_ruleset(known)) word = without;
    }
  }
  return known;
}

/// The version of Landlock, or minus the errno.
long version() {
  const long answer =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return answer < 0 ? -errno : answer;
}

struct Seen {
  long version;
  Rights known;
  int unknown_bit, restricted, opened;
  Ended entered;
  int joined;
  bool reached;
  int unshared;
};

/// What a caller can do about a namespace from within a domain that forbids all it can.
Seen in_strictest_domain(const Fd& netns) {
  Seen answer{};
  answer.version = version();
  answer.known = known_rights();
  Rights too_many = answer.known;
  too_many[0] |= std::uint64_t{1} << 63;
  answer.unknown_bit = error_of(create_ruleset(too_many));
  const Fd rules = create_ruleset(answer.known);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  answer.restricted = error_of(::syscall(SYS_landlock_restrict_self, rules.get(), 0));
  // Shows that the domain is in force.
  answer.opened = error_of(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  answer.entered = how_it_ended(in_netns(Target::descriptor(netns.get()), [] {}));
  answer.joined = setns_error(netns.get(), CLONE_NEWNET);
  answer.reached = current_netns() == id_of(netns);
  answer.unshared = error_of(::unshare(CLONE_NEWNET));
  return answer;
}

TEST(Landlock, DomainThatHandlesEverythingKeepsNobodyOutOfANetworkNamespace) {
  BEHAVIOUR("AP32");
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd file = other.open("ns/net");
    // A domain may also forbid to signal what is outside of it, such as `other`.
    return answer_of_child([&] { return in_strictest_domain(file); });
  });

  // landlock(7): since Linux 5.13; EOPNOTSUPP where it was not enabled at boot.
  const bool enabled = seen.version > 0;
  if (running_kernel() < KernelVersion{5, 13}) {
    EXPECT_EQ(seen.version, -ENOSYS);
  } else {
    EXPECT_THAT(seen.version, AnyOf(Ge(1), -EOPNOTSUPP));
  }
  const int absent = static_cast<int>(-seen.version);
  // Of a ruleset that was not made.
  EXPECT_EQ(seen.restricted, enabled ? 0 : absent);
  EXPECT_EQ(seen.unknown_bit, enabled ? EINVAL : absent);
  EXPECT_EQ(seen.opened, enabled ? EACCES : 0);
  EXPECT_EQ(seen.entered, exited(0));
  EXPECT_EQ(seen.joined, 0);
  EXPECT_TRUE(seen.reached);
  EXPECT_EQ(seen.unshared, 0);
  // What the kernels up to 7.2 know, measured on 7.2.13 (version 10): rights to files, to ports, to
  // reach out of the domain, and the same once more for which of them are not to be logged.
  if (running_kernel() > KernelVersion{7, 2}) return;
  constexpr Rights all{0x1ffff, 0xf, 0x3, 0x1ffff, 0xf, 0x3};
  for (std::size_t word = 0; word < all.size(); ++word) {
    EXPECT_EQ(seen.known[word] & ~all[word], 0u) << "in word " << word;
  }
}

}  // namespace
}  // namespace nsgate::test
