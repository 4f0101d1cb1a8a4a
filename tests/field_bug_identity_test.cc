// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about a namespace that is taken for another one, or a file for a namespace. As
// in field_bug_threads_test.cc, each test holds the mistake and a check that finds it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/successor.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

// ---- Files that are no namespaces ----

/// Whether this is a namespace that could be entered, before it is handed on.
using Accept = int (*)(const std::string& path);

/// The mistake: what can be opened is one.
int accept_what_is_there(const std::string& path) {
  return error_of(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

int accept_by_core(const std::string& path) {
  const auto netns = Netns::open(Target::path(path));
  return netns ? 0 : netns.error().code;
}

/// What is left of a name when its mount is gone: after a reboot, in another mount namespace.
int accept_a_placeholder(Accept accept) {
  const ScratchDirectory directory;
  return accept(directory.file("blue", "", 0644));
}

// cri-o/cri-o#5529 ("Peer netns reference is invalid"), util-vserver#30, kubernetes/kubectl#1618.
TEST(FieldBug, PlaceholderOfANamespaceIsHandedOnAsOne) {
  BEHAVIOUR("TR07");
  EXPECT_EQ(accept_a_placeholder(&accept_what_is_there), 0);
  EXPECT_EQ(accept_a_placeholder(&accept_by_core), EINVAL);
}

/// Enters for a service that has a mount namespace of its own, from before there was the name.
using EnterFor = int (*)(const Fd& mounts, const NamedNetns& blue);

int join_mounts(const Fd& mounts) { return setns_error(mounts.get(), CLONE_NEWNS); }

/// The mistake: the service gets the path, where the mount is not.
int hand_on_the_path(const Fd& mounts, const NamedNetns& blue) {
  if (const int error = join_mounts(mounts); error != 0) return error;
  const Fd netns(::open(blue.path().c_str(), O_RDONLY | O_CLOEXEC));
  return netns ? setns_error(netns.get(), CLONE_NEWNET) : errno;
}

int hand_on_an_open_netns(const Fd& mounts, const NamedNetns& blue) {
  const auto netns = Netns::open(Target::path(blue.path()));
  if (!netns) return netns.error().code;
  if (const int error = join_mounts(mounts); error != 0) return error;
  const auto entered = in_netns(Target::descriptor(netns->fd()), [] {});
  return entered ? 0 : entered.error().code;
}

int enter_for_a_service_with_own_mounts(EnterFor enter) {
  return answer_of_owner([=] {
    must_own_run();
    const ParkedProcess service([] { return error_of(::unshare(CLONE_NEWNS)); });
    const Fd mounts = service.open("ns/mnt");
    const ScratchNetns other;
    const NamedNetns blue("blue", other.open("ns/net"));
    return answer_of_child([&] { return enter(mounts, blue); });
  });
}

// containerd/containerd#10431, #8923 and #9218, containerd/go-runc#86, rootlesskit#65, #66, #182.
TEST(FieldBug, NameOfANamespaceLeadsNowhereInAnotherMountNamespace) {
  BEHAVIOUR("TR24");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  EXPECT_EQ(enter_for_a_service_with_own_mounts(&hand_on_the_path), EINVAL);
  EXPECT_EQ(enter_for_a_service_with_own_mounts(&hand_on_an_open_netns), 0);
}

// ---- The same namespace or another one ----

struct Attempt {
  Ended ended;
  bool ran;
  friend bool operator==(const Attempt&, const Attempt&) = default;
};
void PrintTo(const Attempt& attempt, std::ostream* out) {
  *out << attempt.ended << ", " << (attempt.ran ? "the closure ran" : "the closure did not run");
}

using EnterProcess = Ended (*)(pid_t pid, const std::function<void()>& f);

/// "net:[4026531833]", or nothing.
std::string link_of(pid_t pid) {
  std::array<char, 64> text{};
  const auto path = "/proc/" + std::to_string(pid) + "/ns/net";
  const auto size = ::readlink(path.c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

/// The mistake: what cannot be told apart is the same, and there is no need to enter.
Ended enter_unless_it_is_the_same(pid_t pid, const std::function<void()>& f) {
  const auto theirs = link_of(pid);
  if (theirs.empty() || theirs == link_of(::getpid())) {
    f();
    return exited(0);
  }
  return how_it_ended(in_netns(Target::process(pid), f));
}

Ended enter_by_core(pid_t pid, const std::function<void()>& f) {
  return how_it_ended(in_netns(Target::process(pid), f));
}

/// A process that lets nobody look.
Attempt enter_a_closed_process(EnterProcess enter) {
  const ParkedProcess closed([] {
    const int error = unshare_own();
    return error != 0 ? error : error_of(::prctl(PR_SET_DUMPABLE, 0));
  });
  return answer_of_child([&] {
    Attempt attempt{};
    if (become_unprivileged() != 0) return attempt;
    attempt.ended = enter(closed.pid(), [&] { attempt.ran = true; });
    return attempt;
  });
}

// DadsMmoLab/dads-mmo-lab#178.
TEST(FieldBug, NamespaceThatCannotBeReadIsTakenForTheOwn) {
  BEHAVIOUR("TR09 TR10");
  REQUIRES(own_netns);
  EXPECT_EQ(enter_a_closed_process(&enter_unless_it_is_the_same), (Attempt{exited(0), true}));
  EXPECT_EQ(enter_a_closed_process(&enter_by_core), (Attempt{refused(Stage::open, EACCES), false}));
}

/// What somebody keeps of a namespace to know it again: a number, or the namespace.
struct KeptNumber {
  explicit KeptNumber(const ParkedProcess& process) : id(netns_of(process.pid())) {}
  NamespaceId id;
};
struct KeptNetns {
  explicit KeptNetns(const ParkedProcess& process)
      : netns(Netns::open(Target::process(process.pid())).value()), id(id_of(netns.fd())) {}
  Netns netns;
  NamespaceId id;
};

/// The number of a new namespace, which has ended again. When this returns, the kernel has taken
/// all down that ended before: it does so in their order (cleanup_net in net/core/net_namespace.c).
NamespaceId id_of_a_short_life() {
  ScratchNetns last;
  const NetnsWatch watch(last.open("ns/net"));
  const auto id = last.id();
  last.reap();
  (void)watch.sees_end();
  return id;
}

/// Ends namespaces and makes others, until one of these is taken for one of those. They are several
/// because a number that is free may go to somebody else, to a file of /proc too.
template <typename Kept>
bool takes_a_new_one_for_it_once() {
  constexpr std::size_t count = 6;
  // What others have ended already would give numbers free that come before those.
  for (int i = 0; i < 2; ++i) (void)id_of_a_short_life();
  std::vector<Kept> kept;
  {
    std::vector<std::unique_ptr<ScratchNetns>> old;
    while (old.size() < count) {
      old.push_back(std::make_unique<ScratchNetns>());
      kept.emplace_back(*old.back());
    }
  }
  const auto known = [&](const NamespaceId& id) {
    return std::ranges::find(kept, id, &Kept::id) != kept.end();
  };
  std::vector<std::unique_ptr<ScratchNetns>> others;
  while (others.size() < count) {
    if (known(id_of_a_short_life())) return true;
    others.push_back(std::make_unique<ScratchNetns>());
    if (known(others.back()->id())) return true;
  }
  return false;
}

/// A busy machine takes the numbers away now and then: so the mistake has four chances to be seen,
/// and what is right is right four times.
template <typename Kept>
bool takes_a_new_one_for_it() {
  return answer_of_owner([] {
    const auto once = [](int) { return takes_a_new_one_for_it_once<Kept>(); };
    return std::ranges::any_of(std::views::iota(0, 4), once);
  });
}

// containernetworking/plugins and vishvananda/netns compare inodes and nothing else.
TEST(FieldBug, NewNamespaceIsTakenForOneThatHasEnded) {
  BEHAVIOUR("TR26");
  REQUIRES(own_netns);
  EXPECT_TRUE(takes_a_new_one_for_it<KeptNumber>());
  EXPECT_FALSE(takes_a_new_one_for_it<KeptNetns>());
}

// ---- The same process or another one ----

/// Looks a process up, and enters it when `meanwhile` is over.
using LookUpAndEnter = Ended (*)(pid_t pid, const std::function<void()>& meanwhile);

/// The mistake: the number is looked up twice.
Ended enter_the_number(pid_t pid, const std::function<void()>& meanwhile) {
  if (link_of(pid) == link_of(::getpid())) return unknown_end();
  meanwhile();
  const Fd netns(
      ::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  return netns ? exited(setns_error(netns.get(), CLONE_NEWNET)) : refused(Stage::open, errno);
}

Ended enter_the_process(pid_t pid, const std::function<void()>& meanwhile) {
  const Fd process = pidfd_open(pid);
  if (link_of(pid) == link_of(::getpid())) return unknown_end();
  meanwhile();
  return how_it_ended(in_netns(Target::pidfd(process.get()), [] {}));
}

Ended enter_while_the_pid_changes_hands(LookUpAndEnter enter) {
  ScratchNetns old;
  std::optional<Successor> successor;
  const pid_t pid = old.pid();
  return enter(pid, [&] {
    old.reap();
    successor.emplace(pid);
  });
}

// pelagos#97 and #98, microsoft/mxc#1041 (#897).
TEST(FieldBug, ProcessThatTookThePidIsEnteredInstead) {
  BEHAVIOUR("TR16 TR17");
  REQUIRES(root);
  EXPECT_EQ(enter_while_the_pid_changes_hands(&enter_the_number), exited(0));
  EXPECT_EQ(enter_while_the_pid_changes_hands(&enter_the_process), refused(Stage::open, ESRCH));
}

}  // namespace
}  // namespace nsgate::test
