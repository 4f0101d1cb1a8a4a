// SPDX-License-Identifier: Apache-2.0
//
// In which order a user namespace and a network namespace are joined.
//
//   auto both = nsgate::UserNetns::open(nsgate::UserTarget::process(4711));
//   if (both) std::clog << to_string(both->plan()) << ": " << both->why() << '\n';
//
// Joining a user namespace takes the caller's old capabilities away, and joining a network
// namespace needs CAP_SYS_ADMIN in the user namespace that owns it: with the wrong order an entry
// is refused that is possible.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "nsgate/error.h"
#include "nsgate/fd.h"
#include "nsgate/target.h"

namespace nsgate {

enum class Plan : std::uint8_t {
  /// Enters wherever any of the others does. Test: PlanLaw.AutomaticEntersWhereverAnyOrderDoes.
  automatic,
  /// The user namespace, then the network namespace: right where the one owns the other.
  sequential,
  /// Both by one setns of a pidfd (Linux 5.8). Atomic: refused, it changes nothing. The kernel
  /// checks it with the old capabilities and the new, so that it is refused only where both orders
  /// of two calls are; the caller's own user namespace, which it is refused (EINVAL), may still be
  /// left out. Needs a target that is a process or thread.
  /// Test: PlanLaw.*, Setns.OneCallReaches*, Setns.OneRefusedCallChangesNothing.
  one_shot,
  /// As the owner of the network namespace demands: first the lowest user namespace that holds both
  /// the owner and the target's, unless that is the caller's own; then the network namespace; then
  /// the target's user namespace. Test: Plan.OnlySequentialLoses*, UserNetns.OwnerDecidesTheOrder*.
  owner_aware,
};

/// "automatic", "sequential", "one-shot", "owner-aware".
std::string_view to_string(Plan plan);

/// One setns(2).
struct JoinStep {
  int fd;
  int types;  ///< CLONE_NEW…
  Stage stage;
};

/// Both namespaces of a UserTarget, open, and the steps by which they are joined.
class UserNetns {
 public:
  /// Fails as Netns::open does; and with EOPNOTSUPP for a plan that the target does not allow: one
  /// shot without a pidfd, the owner without a namespace file. Of a process, both namespaces belong
  /// to the same process even when its pid is recycled meanwhile.
  /// Test: UserNetns.*, Netns.DirectoryOfAProcess*.
  static Result<UserNetns> open(const UserTarget& target, Plan plan = Plan::automatic);

  /// One to three.
  std::span<const JoinStep> steps() const { return {steps_.data(), count_}; }
  /// The namespace files; a pidfd where there is none, as with Netns::fd.
  int user() const { return user_; }
  int net() const { return net_; }
  /// What was asked for, or what `automatic` came to.
  Plan plan() const { return plan_; }
  /// The reason, for a person.
  const std::string& why() const { return why_; }
  /// False where the user namespace is the caller's own already, which setns(2) refuses (EINVAL)
  /// and `automatic` leaves out.
  bool joins_user() const { return joins_user_; }

 private:
  UserNetns() = default;
  Result<void> find(const detail::TaskName& name);
  Result<void> find(const UserTarget::Descriptors& fds);
  Result<void> find(const Target& target);
  Result<void> choose(Plan plan);
  Result<void> by_owner();
  void then(int fd, int types);

  std::string shown_;
  Fd pidfd_;
  Fd owned_user_;
  Fd owned_net_;
  Fd common_;
  int process_ = -1;  // a pidfd, or -1
  int user_ = -1;
  int net_ = -1;
  std::array<JoinStep, 3> steps_{};
  std::size_t count_ = 0;
  Plan plan_{};
  std::string why_;
  bool joins_user_ = true;
};

}  // namespace nsgate
