// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "model/places.h"

namespace nsgate::model {

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
      users_{
          {.parent = outside, .owner = 0, .depth = 0, .mapped = true, .maker_had_setfcap = true}},
      owners_{facts.owns_its_net ? 0 : outside} {}

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

void Model::start(Process process) { processes_.push_back(std::move(process)); }

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
