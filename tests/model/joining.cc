// SPDX-License-Identifier: Apache-2.0
//
// How a thread gets into namespaces, and what becomes of its rights.
#include <sched.h>

#include <cerrno>
#include <optional>

#include "model/places.h"

namespace nsgate::model {

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

}  // namespace nsgate::model
