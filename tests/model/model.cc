// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <tuple>
#include <utility>

namespace nsgate::model {
namespace {

using Type = Descriptor::Type;

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

bool is_namespace(const Descriptor& it) { return it.type == Type::net || it.type == Type::user; }

std::size_t at(int place) { return static_cast<std::size_t>(place); }

/// What it refers to; the first there is for a descriptor of another type, which only a model that
/// lacks a rule asks about.
int referred(const Descriptor& it, Type type) { return it.type == type ? it.of : 0; }

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

/// One of a stable series that has something, from this patch level on.
bool is_from(const Version& kernel, const Version& first) {
  return kernel >= first && kernel.major == first.major && kernel.minor == first.minor;
}

/// "ptrace: slightly saner 'get_dumpable()' logic", and where it was seen.
bool notes_dumpable_of_the_dead(const Version& kernel) {
  return kernel >= Version{6, 18, 44} || is_from(kernel, {6, 12, 117}) ||
         is_from(kernel, {6, 1, 192}) || is_from(kernel, {5, 10, 262});
}

/// "pidfd: getfd should always report ESRCH if a task is exiting", and where it was seen.
bool tells_dead_from_closed(const Version& kernel) {
  return kernel >= Version{6, 9} || is_from(kernel, {6, 1, 192}) || is_from(kernel, {5, 10, 262});
}

/// "capabilities: require CAP_SETFCAP to map uid 0", and where it was seen.
bool asks_for_setfcap(const Version& kernel) {
  return kernel >= Version{5, 12} || is_from(kernel, {5, 10, 262});
}

/// Whether a pidfd's ioctl asks for access before it looks whether there is something to access:
/// measured in 6.12.117 and 7.2.13, but not in 6.18.44.
bool pidfd_asks_for_access_first(const Version& kernel) {
  return kernel >= Version{7, 0} || is_from(kernel, {6, 12, 117});
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

bool Process::alive() const {
  return std::ranges::any_of(threads, [](const Thread& thread) { return thread.alive; });
}

bool Process::has_threads() const {
  // A leader that has ended stays in its group until it is reaped.
  return std::ranges::any_of(threads.begin() + 1, threads.end(),
                             [](const Thread& thread) { return thread.alive; });
}

Model::Model(const Facts& facts, std::optional<Rule> without)
    : facts_(facts),
      without_(without),
      users_{{.parent = -1, .owner = 0, .depth = 0, .mapped = true, .maker_had_setfcap = true}},
      owners_{0} {}

bool Model::says(Rule rule, bool condition) {
  if (condition) ++said_[static_cast<std::size_t>(rule)];
  return condition && without_ != rule;
}

Thread& Model::actor(const Step& step) {
  return processes_[at(step.process)].threads[at(step.thread)];
}

Descriptor& Model::slot(const Step& step) {
  return processes_[at(step.process)].slots[at(step.slot)];
}

Outcome Model::make(const Step& step, Descriptor made) {
  processes_[at(step.process)].slots[at(step.made)] = made;
  return {.made = made};
}

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

// ---- Rights ----

/// cap_capable() in security/commoncap.c.
bool Model::capable(const Thread& who, User where, Caps caps) {
  for (User user = where;; user = users_[at(user)].parent) {
    if (user == who.user) return (who.effective & caps) == caps;
    if (users_[at(user)].depth <= users_[at(who.user)].depth) return false;
    if (users_[at(user)].parent == who.user &&
        says(Rule::owner_is_capable, users_[at(user)].owner == who.uid)) {
      return true;
    }
  }
}

/// __ptrace_may_access() in kernel/ptrace.c.
bool Model::may_access(const Step& by, int place, const Thread& target, Access mode) {
  if (says(Rule::own_process_is_accessible, by.process == place)) return true;
  const Thread& who = actor(by);
  const Process& process = processes_[at(place)];
  if (says(Rule::other_uid_needs_ptrace, who.uid != target.uid) &&
      !capable(who, target.user, sys_ptrace)) {
    return false;
  }
  if (says(Rule::undumpable_needs_ptrace, target.alive && !process.dumpable) &&
      !capable(who, 0, sys_ptrace)) {
    return false;
  }
  // The memory of the dead is gone, and with it the attribute, unless the kernel took a note of it.
  const bool noted = notes_dumpable_of_the_dead(facts_.kernel);
  if (says(Rule::ended_undumpable_needs_ptrace, noted && !target.alive && !target.ended_dumpable) &&
      !capable(who, 0, sys_ptrace)) {
    return false;
  }
  const bool by_effective = says(Rule::effective_decides_for_files,
                                 mode == Access::file && who.effective != who.permitted);
  const Caps held = by_effective ? who.effective : who.permitted;
  const bool no_more = who.user == target.user && (target.permitted & ~held) == 0;
  return !says(Rule::more_capabilities_need_ptrace, !no_more) ||
         capable(who, target.user, sys_ptrace);
}

/// ns_get_owner() in kernel/user_namespace.c.
bool Model::sees(const Thread& who, User user) {
  while (user >= 0 && user != who.user) user = users_[at(user)].parent;
  return user >= 0;
}

/// A file of /proc that only its owner may read.
bool Model::reads(const Thread& who, std::uint32_t owner) const {
  const UserNamespace& user = users_[at(who.user)];
  const bool mapped = who.user == 0 || (user.mapped && user.owner == owner);
  return who.uid == owner || ((who.effective & dac) != 0 && mapped);
}

int Model::unusable(const Descriptor& descriptor) {
  if (says(Rule::closed_descriptor, descriptor.type == Type::none)) return EBADF;
  return says(Rule::path_descriptor, descriptor.type == Type::path) ? EBADF : 0;
}

// ---- Making and ending ----

void Model::start(Process process) { processes_.push_back(std::move(process)); }

Outcome Model::unshare(const Step& step) {
  Thread& who = actor(step);
  Process& process = processes_[at(step.process)];
  if (step.kind == Kind::unshare_net) {
    if (says(Rule::unshare_net_needs_admin, !capable(who, who.user, sys_admin))) return {EPERM};
    owners_.push_back(who.user);
    who.net = static_cast<Net>(owners_.size()) - 1;
    return {};
  }
  const bool threads = process.has_threads() || step.thread != 0;
  if (says(Rule::unshare_user_with_threads, threads)) return {EINVAL};
  const UserNamespace above = users_[at(who.user)];
  const bool mapped = who.user == 0 || (above.mapped && above.owner == who.uid);
  if (says(Rule::unshare_user_unmapped, !mapped)) return {EPERM};
  users_.push_back({.parent = who.user,
                    .owner = who.uid,
                    .depth = above.depth + 1,
                    .mapped = false,
                    .maker_had_setfcap = (who.effective & setfcap) != 0});
  const User made = static_cast<User>(users_.size()) - 1;
  // A child of user namespace 0 maps uid 0 of it; each other one maps root of its parent.
  const bool of_root = who.user != 0 || who.uid == 0;
  who.user = made;
  if (says(Rule::unshare_user_gives_capabilities, true)) who.permitted = who.effective = all_caps;
  if (step.kind == Kind::unshare_both) {
    owners_.push_back(made);
    who.net = static_cast<Net>(owners_.size()) - 1;
  }
  if (step.kind != Kind::unshare_map) return {};
  UserNamespace& user = users_.back();
  if (says(Rule::map_needs_own_file, !process.dumpable && who.uid != 0)) return {EACCES};
  const bool checked = asks_for_setfcap(facts_.kernel);
  if (says(Rule::map_of_root_needs_setfcap, checked && of_root && !user.maker_had_setfcap)) {
    return {EPERM};
  }
  user.mapped = true;
  return {};
}

// ---- Naming ----

Outcome Model::open(const Step& step) {
  const Process& process = processes_[at(step.target)];
  const Thread& target = process.threads[at(step.target_thread)];
  if (says(Rule::proc_of_the_reaped, process.reaped)) return {ENOENT};
  if (says(Rule::proc_of_an_ended_thread, step.target_thread != 0 && !target.alive)) {
    return {ENOENT};
  }
  if (says(Rule::proc_refuses, !may_access(step, step.target, target, Access::file))) {
    const bool leads = facts_.kernel >= Version{5, 10} && facts_.kernel < Version{5, 11};
    if (!says(Rule::refused_link_leads_to_its_directory, leads)) return {EACCES};
    if (step.kind == Kind::open_path) return make(step, {Type::path});
    const auto owner = target.alive && process.dumpable ? target.uid : 0;
    return reads(actor(step), owner) ? make(step, {Type::directory}) : Outcome{EACCES};
  }
  if (step.kind == Kind::open_user) return make(step, {Type::user, target.user});
  if (says(Rule::proc_net_of_the_dead, !target.alive)) return {ENOENT};
  if (step.kind == Kind::open_path) return make(step, {Type::path});
  return make(step, {Type::net, target.net});
}

Outcome Model::open_pidfd(const Step& step) {
  const Process& process = processes_[at(step.target)];
  const bool leader = step.target_thread == 0;
  const bool gone = process.reaped || (!leader && !process.threads[at(step.target_thread)].alive);
  if (says(Rule::pidfd_of_the_reaped, gone)) return {ESRCH};
  if (says(Rule::pidfd_of_a_thread, !leader)) {
    return {facts_.kernel >= Version{6, 16} ? ENOENT : EINVAL};
  }
  return make(step, {Type::pidfd, step.target});
}

/// What every ioctl of a pidfd is checked for.
int Model::pidfd_ioctl(const Step& step, const Descriptor& of) {
  const Process& process = processes_[at(of.of)];
  const Thread& leader = process.threads.front();
  if (says(Rule::pidfd_ioctl_of_the_reaped, process.reaped)) return ESRCH;
  const bool access_first = pidfd_asks_for_access_first(facts_.kernel);
  const auto dead = [&] { return says(Rule::pidfd_ioctl_of_the_dead, !leader.alive); };
  if (!access_first && dead()) return ESRCH;
  const bool refused = !may_access(step, of.of, leader, Access::file);
  if (says(Rule::pidfd_ioctl_needs_access, refused)) return EACCES;
  return access_first && dead() ? ESRCH : 0;
}

/// One namespace by another, or by a pidfd or a socket.
Outcome Model::relate(const Step& step) {
  const Thread& who = actor(step);
  const Descriptor it = slot(step);
  if (const int error = unusable(it)) return {error};
  const bool asked_of_pidfd = step.kind == Kind::pidfd_net || step.kind == Kind::pidfd_user;
  // Until Linux 6.13 also a request that no pidfd knows (fs/pidfs.c).
  const bool has_ioctls = facts_.kernel >= Version{6, 11};
  if (it.type == Type::pidfd && has_ioctls && step.kind != Kind::cookie &&
      (asked_of_pidfd || facts_.kernel < Version{6, 13})) {
    if (const int error = pidfd_ioctl(step, it)) return {error};
  }
  switch (step.kind) {
    case Kind::pidfd_net:
    case Kind::pidfd_user: {
      if (says(Rule::pidfd_ioctl_of_another, it.type != Type::pidfd)) return {ENOTTY};
      if (says(Rule::no_pidfd_ioctl_yet, !has_ioctls)) return {ENOTTY};
      const Thread& leader = processes_[at(referred(it, Type::pidfd))].threads.front();
      return step.kind == Kind::pidfd_net ? make(step, {Type::net, leader.net})
                                          : make(step, {Type::user, leader.user});
    }
    case Kind::owner:
    case Kind::parent: {
      if (says(Rule::ioctl_of_no_namespace, !is_namespace(it))) return {ENOTTY};
      const bool net = it.type == Type::net;
      if (says(Rule::parent_of_a_netns, net && step.kind == Kind::parent)) return {EINVAL};
      const User owner = net ? owners_[at(it.of)] : users_[at(referred(it, Type::user))].parent;
      if (says(Rule::owner_out_of_sight, !sees(who, owner))) return {EPERM};
      return make(step, {Type::user, owner});
    }
    case Kind::socket_net: {
      if (says(Rule::socket_net_of_no_socket, it.type != Type::socket)) return {ENOTTY};
      const Net net = referred(it, Type::socket);
      const bool refused = !capable(who, owners_[at(net)], net_admin);
      if (says(Rule::socket_net_needs_net_admin, refused)) return {EPERM};
      return make(step, {Type::net, net});
    }
    default:
      if (says(Rule::cookie_of_no_socket, it.type != Type::socket)) return {ENOTSOCK};
      if (says(Rule::no_cookie_yet, facts_.kernel < Version{5, 14})) return {ENOPROTOOPT};
      return {.cookie_of = referred(it, Type::socket)};
  }
}

// ---- Joining ----

/// userns_install() in kernel/user_namespace.c.
int Model::install_user(const Step& step, User user) {
  const Process& process = processes_[at(step.process)];
  const Thread& who = actor(step);
  if (says(Rule::own_user_namespace, user == who.user)) return EINVAL;
  // A child of core has no threads.
  const bool threads = step.kind == Kind::setns && (process.has_threads() || step.thread != 0);
  if (says(Rule::user_namespace_with_threads, threads)) return EINVAL;
  return says(Rule::user_namespace_needs_admin, !capable(who, user, sys_admin)) ? EPERM : 0;
}

/// netns_install() in net/core/net_namespace.c. `user` is who's own, or the one that is joined
/// along.
int Model::install_net(const Thread& who, User user, Net net) {
  const bool of_owner = capable(who, owners_[at(net)], sys_admin);
  if (says(Rule::netns_needs_admin_of_its_owner, !of_owner)) return EPERM;
  const bool of_own = capable(who, user, sys_admin);
  return says(Rule::netns_needs_admin_of_ones_own, !of_own) ? EPERM : 0;
}

/// commit_creds() in kernel/cred.c.
void Model::commit_user(const Step& step, User user) {
  Thread& who = actor(step);
  bool below_ones_own = false;
  for (User it = user; it > 0; it = users_[at(it)].parent) {
    below_ones_own =
        below_ones_own || (users_[at(it)].parent == who.user && users_[at(it)].owner == who.uid);
  }
  const bool keeps = says(Rule::owner_keeps_dumpable, below_ones_own) || facts_.suid_dumpable;
  if (says(Rule::joining_takes_dumpable, !keeps)) processes_[at(step.process)].dumpable = false;
  who.user = user;
  if (says(Rule::joining_gives_capabilities, true)) who.permitted = who.effective = all_caps;
}

/// The first half of validate_nsset() in kernel/nsproxy.c.
int Model::find_by_pidfd(const Step& step, int place) {
  const Process& process = processes_[at(place)];
  const Thread& leader = process.threads.front();
  if (says(Rule::setns_of_the_reaped, process.reaped)) return ESRCH;
  const bool refused = !may_access(step, place, leader, Access::real);
  if (says(Rule::setns_needs_ptrace_access, refused)) return EPERM;
  return says(Rule::setns_of_the_dead, !leader.alive) ? ESRCH : 0;
}

Outcome Model::setns(const Step& step) {
  const Descriptor it = slot(step);
  if (const int error = unusable(it)) return {error};
  if (says(Rule::setns_of_no_namespace, !is_namespace(it) && it.type != Type::pidfd)) {
    return {EINVAL};
  }
  std::optional<User> user;
  std::optional<Net> net;
  if (it.type == Type::pidfd) {
    const Process& process = processes_[at(it.of)];
    const Thread& leader = process.threads.front();
    if (says(Rule::setns_of_a_pidfd_needs_types, step.value == 0)) return {EINVAL};
    if (const int error = find_by_pidfd(step, it.of)) return {error};
    if ((step.value & CLONE_NEWUSER) != 0) user = leader.user;
    if ((step.value & CLONE_NEWNET) != 0) net = leader.net;
  } else {
    const int type = it.type == Type::user ? CLONE_NEWUSER : CLONE_NEWNET;
    const bool another = step.value != 0 && step.value != type;
    if (says(Rule::setns_of_another_type, another)) return {EINVAL};
    if (it.type == Type::user) user = it.of;
    if (it.type == Type::net) net = it.of;
  }
  // Both by the capabilities from before, and neither without the other.
  if (const int error = user ? install_user(step, *user) : 0) return {error};
  if (const int error = net ? install_net(actor(step), user.value_or(actor(step).user), *net) : 0)
    return {error};
  if (user) commit_user(step, *user);
  if (net) actor(step).net = *net;
  return {};
}

Outcome Model::take(const Step& step) {
  const Descriptor it = slot(step);
  if (const int error = unusable(it)) return {error};
  if (says(Rule::take_of_no_pidfd, it.type != Type::pidfd)) return {EBADF};
  const int place = referred(it, Type::pidfd);
  const Process& process = processes_[at(place)];
  const Thread& leader = process.threads.front();
  if (says(Rule::take_of_the_reaped, process.reaped)) return {ESRCH};
  if (says(Rule::take_needs_access, !may_access(step, place, leader, Access::attach))) {
    return {EPERM};
  }
  if (says(Rule::take_from_the_dead, !leader.alive)) {
    return {tells_dead_from_closed(facts_.kernel) ? ESRCH : EBADF};
  }
  const Descriptor theirs = process.slots[at(step.other)];
  if (says(Rule::take_of_a_closed_one, theirs.type == Type::none)) return {EBADF};
  return make(step, theirs);
}

Outcome Model::become(const Step& step) {
  Thread& who = actor(step);
  // Below, only the maker of the namespace is mapped, and to 0.
  if (says(Rule::become_unmapped, who.user != 0)) return {EINVAL};
  if (who.uid == facts_.other_uid) {
    if (step.odd) processes_[at(step.process)].dumpable = true;
    return {};
  }
  if (says(Rule::become_needs_setid, (who.effective & set_ids) == 0)) return {EPERM};
  if (says(Rule::other_uid_loses_capabilities, who.uid == 0)) who.permitted = who.effective = 0;
  if (says(Rule::other_uid_takes_dumpable, !facts_.suid_dumpable)) {
    processes_[at(step.process)].dumpable = false;
  }
  who.uid = facts_.other_uid;
  // As a program of that user would be.
  if (step.odd) processes_[at(step.process)].dumpable = true;
  return {};
}

// ---- Core ----

/// Task::open_namespace() in core/nsgate/task.cc.
int Model::core_open(const Step& step, int place, bool user) {
  const Process& process = processes_[at(place)];
  const Thread& leader = process.threads.front();
  if (says(Rule::pidfd_of_the_reaped, process.reaped)) return ESRCH;
  if (facts_.kernel >= Version{6, 11}) return pidfd_ioctl(step, {Type::pidfd, place});
  if (says(Rule::proc_refuses, !may_access(step, place, leader, Access::file))) {
    const auto owner = leader.alive && process.dumpable ? leader.uid : 0;
    const bool leads = facts_.kernel >= Version{5, 10} && facts_.kernel < Version{5, 11};
    return says(Rule::refused_link_leads_to_its_directory, leads) && reads(actor(step), owner)
               ? EINVAL
               : EACCES;
  }
  return says(Rule::proc_net_of_the_dead, !user && !leader.alive) ? ENOENT : 0;
}

Outcome Model::core_enter(const Step& step) {
  const Descriptor it = slot(step);
  Net net = 0;
  if (step.kind != Kind::in_netns_process) {
    if (const int error = unusable(it)) return {error, Stage::open};
  }
  if (step.kind == Kind::in_netns_file) {
    const bool checks = facts_.kernel >= Version{6, 11} && facts_.kernel < Version{6, 13};
    const int error = it.type == Type::pidfd && checks ? pidfd_ioctl(step, it) : 0;
    if (error != 0) return {error, Stage::open};
    if (says(Rule::core_wrong_kind, it.type != Type::net)) return {EINVAL, Stage::open};
    net = referred(it, Type::net);
  } else {
    const bool by_pidfd = step.kind == Kind::in_netns_pidfd;
    if (says(Rule::core_wrong_kind, by_pidfd && it.type != Type::pidfd)) {
      return {EINVAL, Stage::open};
    }
    const int place = by_pidfd ? referred(it, Type::pidfd) : step.target;
    const Process& process = processes_[at(place)];
    const Thread& leader = process.threads.front();
    // Core then leaves it to setns to find the process.
    const bool blind = by_pidfd && facts_.kernel < Version{5, 14} && !process.reaped &&
                       !processes_[at(step.process)].dumpable && !reads(actor(step), 0);
    if (says(Rule::core_cannot_read_its_fdinfo, blind)) {
      if (const int error = find_by_pidfd(step, place)) return {error, Stage::setns_net};
    } else if (const int error = core_open(step, place, false)) {
      return {error, Stage::open};
    }
    net = leader.net;
  }
  if (const int error = install_net(actor(step), actor(step).user, net)) {
    return {error, Stage::setns_net};
  }
  return {.entered = net};
}

Outcome Model::core_exec(const Step& step) {
  const Thread& who = actor(step);
  if (const int error = core_open(step, step.target, true)) return {error, Stage::open};
  if (const int error = core_open(step, step.target, false)) return {error, Stage::open};
  const Thread& leader = processes_[at(step.target)].threads.front();
  if (leader.user == who.user) {
    const int error = install_net(who, who.user, leader.net);
    return error != 0 ? Outcome{error, Stage::setns_net} : Outcome{.entered = leader.net};
  }
  const bool refused = !may_access(step, step.target, leader, Access::real);
  int error = says(Rule::setns_needs_ptrace_access, refused) ? EPERM : 0;
  if (error == 0) error = install_user(step, leader.user);
  if (error == 0) error = install_net(who, leader.user, leader.net);
  if (error != 0) return {error, Stage::setns_both};
  const bool mapped = leader.user == 0 || users_[at(leader.user)].mapped;
  if (says(Rule::core_credentials_unmapped, !mapped)) return {EINVAL, Stage::credentials};
  return {.entered = leader.net};
}

Outcome Model::apply(const Step& step) {
  if (!has_room(step)) return {.done = false};
  if (step.kind == Kind::start) {
    const bool other = step.odd && facts_.uid != facts_.other_uid;
    const Caps caps = facts_.privileged && !other ? all_caps : Caps{0};
    const std::uint32_t uid = other ? facts_.other_uid : facts_.uid;
    start({.threads = {{true, true, uid, caps, caps, 0, 0}},
           .dumpable = true,
           .reaped = false,
           .slots = {}});
    return {};
  }
  Process& process = processes_[at(step.process)];
  Thread& who = actor(step);
  switch (step.kind) {
    case Kind::start:
      break;
    case Kind::fork:
      start({.threads = {who},
             .dumpable = process.dumpable,
             .reaped = false,
             .slots = process.slots});
      return {};
    case Kind::new_thread:
      process.threads.push_back(Thread(who));
      return {};
    case Kind::exit_thread:
      who.alive = false;
      who.ended_dumpable = process.dumpable;
      return {};
    case Kind::exit_process:
      for (Thread& thread : process.threads) {
        if (!std::exchange(thread.alive, false)) continue;
        thread.ended_dumpable = process.dumpable;
      }
      return {};
    case Kind::reap: {
      Process& target = processes_[at(step.target)];
      if (says(Rule::reap_twice, target.reaped)) return {ECHILD};
      if (says(Rule::reap_alive, target.alive())) return {EAGAIN};
      target.reaped = true;
      return {};
    }
    case Kind::unshare_net:
    case Kind::unshare_user:
    case Kind::unshare_map:
    case Kind::unshare_both:
      return unshare(step);
    case Kind::open_net:
    case Kind::open_user:
    case Kind::open_path:
      return open(step);
    case Kind::pidfd_open:
      return open_pidfd(step);
    case Kind::pidfd_net:
    case Kind::pidfd_user:
    case Kind::owner:
    case Kind::parent:
    case Kind::socket_net:
    case Kind::cookie:
      return relate(step);
    case Kind::duplicate:
      if (says(Rule::closed_descriptor, slot(step).type == Type::none)) return {EBADF};
      return make(step, Descriptor(slot(step)));
    case Kind::close:
      if (says(Rule::closed_descriptor, slot(step).type == Type::none)) return {EBADF};
      slot(step) = {};
      return {};
    case Kind::setns:
      return setns(step);
    case Kind::socket:
      return make(step, {Type::socket, who.net});
    case Kind::pass:
      if (says(Rule::closed_descriptor, slot(step).type == Type::none)) return {EBADF};
      return {.made = processes_[at(step.target)].slots[at(step.made)] = slot(step)};
    case Kind::take:
      return take(step);
    case Kind::drop:
      who.effective = static_cast<Caps>(who.effective & ~step.value);
      if (!step.odd) who.permitted = static_cast<Caps>(who.permitted & ~step.value);
      return {};
    case Kind::raise:
      who.effective = who.permitted;
      return {};
    case Kind::dumpable:
      process.dumpable = step.value != 0;
      return {};
    case Kind::become_user:
      return become(step);
    case Kind::in_netns_process:
    case Kind::in_netns_pidfd:
    case Kind::in_netns_file:
      return core_enter(step);
    case Kind::exec_both:
      return core_exec(step);
  }
  return {};
}

}  // namespace nsgate::model
