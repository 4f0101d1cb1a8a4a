// SPDX-License-Identifier: Apache-2.0
//
// Who does an operation to what: Model::resolve.
#include <sched.h>

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>

#include "model/places.h"

namespace nsgate::model {
namespace {

/// An operand is a wish: most of its values ask for what the operation is about, and one in eight
/// for anything at all, whatever comes of it.
bool is_wild(unsigned operand) { return operand % 8 == 7; }

/// One of those that are good, or of all when there is none or the operand is wild.
int pick(int size, unsigned operand, const std::function<bool(int)>& is_good) {
  std::vector<int> good;
  for (int i = 0; i < size && !is_wild(operand); ++i) {
    if (is_good(i)) good.push_back(i);
  }
  const auto n = operand / 8;
  if (good.empty()) return static_cast<int>(n) % size;
  return good[n % good.size()];
}

/// Where a new descriptor goes: it takes the place of the first one when there is no other.
int free_slot(const Process& process) {
  for (int i = 0; i < max_slots; ++i) {
    if (process.slots[static_cast<std::size_t>(i)].type == Type::none) return i;
  }
  return 0;
}

/// Whether it is what an operation is about.
bool suits(Kind kind, Type type) {
  switch (kind) {
    case Kind::setns:
      return type == Type::net || type == Type::user || type == Type::pidfd;
    case Kind::owner:
    case Kind::parent:
      return type == Type::net || type == Type::user;
    case Kind::pidfd_net:
    case Kind::pidfd_user:
    case Kind::take:
    case Kind::in_netns_pidfd:
      return type == Type::pidfd;
    case Kind::socket_net:
    case Kind::cookie:
      return type == Type::socket;
    case Kind::in_netns_file:
      return type == Type::net;
    default:
      return type != Type::none;
  }
}

/// What makes a descriptor that suits; the kind itself where it needs none.
Kind maker_for(Kind kind, unsigned operand) {
  switch (kind) {
    case Kind::setns: {
      constexpr std::array<Kind, 3> makers{Kind::open_net, Kind::open_user, Kind::pidfd_open};
      return makers[operand % makers.size()];
    }
    case Kind::owner:
    case Kind::in_netns_file:
    case Kind::duplicate:
    case Kind::close:
    case Kind::pass:
      return Kind::open_net;
    case Kind::parent:
      return Kind::open_user;
    case Kind::pidfd_net:
    case Kind::pidfd_user:
    case Kind::take:
    case Kind::in_netns_pidfd:
      return Kind::pidfd_open;
    case Kind::socket_net:
    case Kind::cookie:
      return Kind::socket;
    default:
      return kind;
  }
}

}  // namespace

Step Model::resolve(const Operation& operation) const {
  std::vector<std::pair<int, int>> actors;
  const auto count = static_cast<int>(processes_.size());
  Step step{.kind = kind_of(operation), .made = count, .odd = operation.b % 2 != 0};
  for (int p = 0; p < count; ++p) {
    const auto& threads = processes_[at(p)].threads;
    for (int t = 0; t < static_cast<int>(threads.size()); ++t) {
      if (threads[at(t)].alive) actors.emplace_back(p, t);
    }
  }
  if (actors.empty()) step.kind = Kind::start;
  step.value = static_cast<int>(facts_.other_uid);
  if (step.kind == Kind::start) return step;

  const auto has_suiting = [&](int i) {
    const auto& slots = processes_[at(actors[at(i)].first)].slots;
    return maker_for(step.kind, 0) == step.kind ||
           std::ranges::any_of(slots, [&](const auto& it) { return suits(step.kind, it.type); });
  };
  const auto threads = static_cast<int>(actors.size());
  const int actor = pick(threads, operation.actor, has_suiting);
  if (!is_wild(operation.actor) && !has_suiting(actor)) {
    step.kind = maker_for(step.kind, operation.b);
  }
  std::tie(step.process, step.thread) = actors[at(actor)];
  if (step.kind == Kind::reap && !is_wild(operation.a) &&
      std::ranges::none_of(processes_, [](const auto& it) { return !it.alive() && !it.reaped; })) {
    step.kind = Kind::exit_process;
  }
  const Process& own = processes_[at(step.process)];
  const Thread& who = own.threads[at(step.thread)];
  step.slot = pick(max_slots, operation.a, [&](int i) {
    const Descriptor& it = own.slots[at(i)];
    const bool is_own = step.kind == Kind::setns && it.type == Type::user && it.of == who.user;
    return suits(step.kind, it.type) && !is_own;
  });
  step.target = pick(count, operation.a, [&](int p) {
    const Process& process = processes_[at(p)];
    if (step.kind == Kind::reap) return !process.alive() && !process.reaped;
    const bool joins_user = step.kind == Kind::exec_both || step.kind == Kind::open_user;
    return p != step.process && (!joins_user || process.threads.front().user != who.user);
  });
  const Descriptor& used = own.slots[at(step.slot)];
  if (step.kind == Kind::take && used.type == Type::pidfd) step.target = used.of;
  if (step.kind == Kind::pass) {
    step.target = actors[operation.b % actors.size()].first;
  }
  const Process& target = processes_[at(step.target)];
  step.target_thread = pick(static_cast<int>(target.threads.size()), operation.b,
                            [&](int t) { return step.kind != Kind::pidfd_open || t == 0; });
  step.other =
      pick(max_slots, operation.b, [&](int i) { return target.slots[at(i)].type != Type::none; });
  step.made = free_slot(step.kind == Kind::pass ? target : own);
  switch (step.kind) {
    case Kind::fork:
      step.made = count;
      break;
    case Kind::new_thread:
      step.made = static_cast<int>(own.threads.size());
      break;
    case Kind::setns: {
      constexpr std::array<int, 4> types{CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET,
                                         0};
      step.value = types[operation.b / 8 % types.size()];
      if (is_wild(operation.b)) break;
      // A namespace's own type or none, and of a process what can be joined.
      if (used.type == Type::pidfd) {
        const bool same_user = processes_[at(used.of)].threads.front().user == who.user;
        step.value = same_user ? CLONE_NEWNET : std::max(step.value, CLONE_NEWUSER);
      } else if (step.value != 0) {
        step.value = used.type == Type::user ? CLONE_NEWUSER : CLONE_NEWNET;
      }
      break;
    }
    case Kind::drop:
      step.value = operation.a / 8 % 12 < 7 ? 1 << (operation.a / 8 % 12) : all_caps;
      break;
    case Kind::dumpable:
      step.value = operation.a % 2;
      break;
    default:
      break;
  }
  return step;
}

bool Model::has_room(const Step& step) const {
  switch (step.kind) {
    case Kind::start:
    case Kind::fork:
      return processes_.size() < max_processes;
    case Kind::new_thread:
      return step.made < max_threads;
    case Kind::unshare_user:
    case Kind::unshare_map:
    case Kind::unshare_both: {
      const auto& process = processes_[at(step.process)];
      return users_[at(process.threads[at(step.thread)].user)].depth < max_depth;
    }
    default:
      return true;
  }
}

}  // namespace nsgate::model
