// SPDX-License-Identifier: Apache-2.0
//
// What core makes of it.
#include <cerrno>

#include "model/places.h"

namespace nsgate::model {

/// Task::open_namespace() in core/nsgate/task.cc.
int Model::core_open(const Step& step, int place, bool user) {
  const Process& process = processes_[at(place)];
  const Thread& leader = process.threads.front();
  if (says(Rule::pidfd_of_the_reaped, process.reaped)) return ESRCH;
  if (has_pidfd_ioctls(facts_.kernel)) return pidfd_ioctl(step, {Type::pidfd, place});
  if (says(Rule::proc_refuses, !may_access(step, place, leader, Access::file))) {
    const auto owner = owner_of_files(process, leader);
    const bool leads = leads_astray(facts_.kernel);
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
    const bool checks = has_pidfd_ioctls(facts_.kernel) && checks_before_it_knows(facts_.kernel);
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
    const bool blind = by_pidfd && hides_fdinfo(facts_.kernel) && !process.reaped &&
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

}  // namespace nsgate::model
