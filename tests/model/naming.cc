// SPDX-License-Identifier: Apache-2.0
//
// How a descriptor is come by.
#include <cerrno>

#include "model/places.h"

namespace nsgate::model {

Outcome Model::open(const Step& step) {
  const Process& process = processes_[at(step.target)];
  const Thread& target = process.threads[at(step.target_thread)];
  if (says(Rule::proc_of_the_reaped, process.reaped)) return {ENOENT};
  if (says(Rule::proc_of_an_ended_thread, step.target_thread != 0 && !target.alive)) {
    return {ENOENT};
  }
  if (says(Rule::proc_refuses, !may_access(step, step.target, target, Access::file))) {
    const bool leads = leads_astray(facts_.kernel);
    if (!says(Rule::refused_link_leads_to_its_directory, leads)) return {EACCES};
    if (step.kind == Kind::open_path) return make(step, {Type::path});
    const auto owner = owner_of_files(process, target);
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
    return {pidfd_of_a_thread_error(facts_.kernel)};
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
  const bool has_ioctls = has_pidfd_ioctls(facts_.kernel);
  if (it.type == Type::pidfd && has_ioctls && step.kind != Kind::cookie &&
      (asked_of_pidfd || checks_before_it_knows(facts_.kernel))) {
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
      if (says(Rule::no_cookie_yet, !has_cookies(facts_.kernel))) return {ENOPROTOOPT};
      return {.cookie_of = referred(it, Type::socket)};
  }
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

}  // namespace nsgate::model
