// SPDX-License-Identifier: Apache-2.0
//
// Who may reach what: capabilities, ptrace access, files of /proc.
#include <cerrno>

#include "model/places.h"

namespace nsgate::model {

/// cap_capable() in security/commoncap.c.
bool Model::capable(const Thread& who, User where, Caps caps) {
  if (where == outside) return false;
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
  // The memory of the dead is gone, and with it the attribute and whose it was, unless the kernel
  // took a note of it.
  const bool kept = keeps_dumpable_of_the_dead(facts_.kernel);
  const bool noted = kept || notes_dumpable_of_the_dead(facts_.kernel);
  const bool dumpable = kept ? process.dumpable : target.ended_dumpable;
  const User asked = facts_.initial || kept ? 0 : outside;
  if (says(Rule::ended_undumpable_needs_ptrace, noted && !target.alive && !dumpable) &&
      !capable(who, asked, sys_ptrace)) {
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
  while (user != outside && user != who.user) user = users_[at(user)].parent;
  return user != outside;
}

/// task_dump_owner() in fs/proc/base.c: what has no memory is the first user namespace's root's.
std::optional<std::uint32_t> Model::owner_of_files(const Process& process,
                                                   const Thread& thread) const {
  if (thread.alive) return process.dumpable ? thread.uid : 0;
  return facts_.initial ? std::optional<std::uint32_t>(0) : std::nullopt;
}

/// A file of /proc that only its owner may read; nothing: somebody who is not mapped here.
bool Model::reads(const Thread& who, std::optional<std::uint32_t> owner) const {
  if (!owner) return false;
  const UserNamespace& user = users_[at(who.user)];
  const bool mapped = who.user == 0 || (user.mapped && user.owner == owner);
  return who.uid == owner || ((who.effective & dac) != 0 && mapped);
}

int Model::unusable(const Descriptor& descriptor) {
  if (says(Rule::closed_descriptor, descriptor.type == Type::none)) return EBADF;
  return says(Rule::path_descriptor, descriptor.type == Type::path) ? EBADF : 0;
}

}  // namespace nsgate::model
