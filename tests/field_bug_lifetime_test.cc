// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about beginnings and ends: a namespace that is not gone yet, one that is gone,
// and a directory of names that two make at once. As in field_bug_threads_test.cc, each test holds
// the mistake and a check that finds it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespace_handle.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

// ---- Not gone yet ----

/// For a child: a new network namespace, 0 or an errno.
using Take = int (*)();

/// The mistake: with its last process, all is gone that the old namespace had.
int take_at_once() { return error_of(::unshare(CLONE_NEWNET)); }

int take_when_it_is_free() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  int error = take_at_once();
  while (error == ENOSPC && std::chrono::steady_clock::now() < deadline) {
    ::sched_yield();
    error = take_at_once();
  }
  return error;
}

/// Puts one namespace in another's place, of which there is one: a limit, which needs no kernel
/// module, in the place of a veth's name.
int replace(Take take) {
  return answer_of_child([=] {
    if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) return error;
    const Fd limit(::open("/proc/sys/user/max_net_namespaces", O_WRONLY | O_CLOEXEC));
    if (::write(limit.get(), "2", 1) != 1) return errno;
    // The kernel's work queue may be quick for once.
    for (int round = 0; round < 10; ++round) {
      { const ParkedProcess old(&take_when_it_is_free); }
      if (const int error = answer_of_child(take); error != 0) return error;
    }
    return 0;
  });
}

// ubicloud PR#1385: the veth of the old one was still there.
TEST(FieldBug, WhatTheOldNamespaceHadIsStillTakenWhenItsLastProcessHasEnded) {
  BEHAVIOUR("LT08");
  REQUIRES(userns);
  EXPECT_EQ(replace(&take_at_once), ENOSPC);
  EXPECT_EQ(replace(&take_when_it_is_free), 0);
}

// ---- Gone, or closed ----

enum class Fate { unknown, gone, refused };
void PrintTo(Fate fate, std::ostream* out) {
  constexpr std::array names{"unknown", "gone", "refused"};
  *out << names.at(static_cast<std::size_t>(fate));
}

/// Of two namespaces that the caller has no right to.
struct Fates {
  Fate of_the_living;
  Fate of_the_dead;
  friend bool operator==(const Fates&, const Fates&) = default;
};
void PrintTo(const Fates& fates, std::ostream* out) {
  PrintTo(fates.of_the_living, out);
  PrintTo(fates.of_the_dead, &(*out << ", "));
}

/// What one keeps of a process's namespace.
struct KeptHandle {
  explicit KeptHandle(const ParkedProcess& process) : named(handle_of(process.open("ns/net"))) {}

  /// The mistake: ESTALE is also what a caller without rights is told.
  Fate fate() const {
    if (named.error != 0) return Fate::unknown;
    const Fd opened = open_handle(named.handle);
    return opened ? Fate::refused : errno == ESTALE ? Fate::gone : Fate::unknown;
  }

  NamedHandle named;
};
struct KeptPidfd {
  explicit KeptPidfd(const ParkedProcess& process) : pidfd(pidfd_open(process.pid())) {}

  Fate fate() const {
    const auto entered = in_netns(Target::pidfd(pidfd.get()), [] {});
    if (entered) return Fate::unknown;
    const int code = entered.error().code;
    return code == ESRCH                     ? Fate::gone
           : code == EPERM || code == EACCES ? Fate::refused
                                             : Fate::unknown;
  }

  Fd pidfd;
};

template <typename Kept>
Fates fates() {
  const OwnScratch living;
  OwnScratch dead;
  const Kept kept_of_the_living(living);
  const Kept kept_of_the_dead(dead);
  dead.reap();
  return answer_of_child([&]() -> Fates {
    // Neither nobody nor a user namespace beside has rights there.
    const int error = ::geteuid() == 0 ? become_unprivileged() : unshare_mapped(CLONE_NEWUSER);
    if (error != 0) return {};
    return {kept_of_the_living.fate(), kept_of_the_dead.fate()};
  });
}

/// 5.10.262 forgets to refuse the file of a process to its own user, and leads to its directory
/// (ptrace_access_test.cc): EINVAL.
Fate refusal_of_a_living() {
  if (::geteuid() == 0) return Fate::refused;
  return on_this_kernel<Fate>(
      {{{0, 0}, Fate::refused}, {{5, 10}, Fate::unknown}, {{5, 11}, Fate::refused}});
}

// systemd/systemd#42070.
TEST(FieldBug, NamespaceThatTheCallerHasNoRightToIsTakenForGone) {
  BEHAVIOUR("TR32");
  REQUIRES(own_netns);
  // Handles of namespaces: commit 5222470b2fbb, Linux 6.18.
  EXPECT_EQ(fates<KeptHandle>(), on_this_kernel<Fates>({{{0, 0}, {Fate::unknown, Fate::unknown}},
                                                        {{6, 18}, {Fate::gone, Fate::gone}}}));
  EXPECT_EQ(fates<KeptPidfd>(), (Fates{refusal_of_a_living(), Fate::gone}));
}

// ---- Two who begin at once ----

constexpr auto names = "/run/netns";

/// As `ip netns add` begins: the directory of the names has to be a mount that is shared. `between`
/// is what others do after it was found not to be one. Returns 0 or an errno.
int make_names_a_mount(const std::function<void()>& between) {
  if (::mount("", names, "none", MS_SHARED | MS_REC, nullptr) == 0) return 0;
  if (errno != EINVAL) return errno;
  between();
  if (::mount(names, names, "none", MS_BIND | MS_REC, nullptr) != 0) return errno;
  return error_of(::mount("", names, "none", MS_SHARED | MS_REC, nullptr));
}

/// The same, one at a time: EWOULDBLOCK to whoever has to wait.
int make_names_a_mount_under_a_lock(const std::function<void()>& between) {
  const Fd lock(::open(names, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return errno;
  return make_names_a_mount(between);
}

long mounts_on_names() {
  long count = 0;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(std::string(" ") + names + " ") != line.npos) ++count;
  }
  return count;
}

/// How many mounts there are when two begin, the second while the first is at it.
long mounts_of_two(int (*make)(const std::function<void()>& between)) {
  return answer_of_owner([=] {
    must_own_run();
    // The machine's own may be there, covered.
    const auto before = mounts_on_names();
    int second = 0;
    const int first = make([&] { second = make([] {}); });
    if (second == EWOULDBLOCK) second = make([] {});
    return first == 0 && second == 0 ? mounts_on_names() - before : -1;
  });
}

// Debian bug 949235. Core makes no names; what it reads is what these two leave.
TEST(FieldBug, DirectoryOfTheNamesIsMountedTwiceWhenTwoAddTheFirstName) {
  BEHAVIOUR("LT12");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  EXPECT_EQ(mounts_of_two(&make_names_a_mount), 2);
  EXPECT_EQ(mounts_of_two(&make_names_a_mount_under_a_lock), 1);
}

}  // namespace
}  // namespace nsgate::test
