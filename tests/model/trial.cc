// SPDX-License-Identifier: Apache-2.0
#include "model/trial.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "nsgate/fd.h"
#include "support/initial_userns.h"

namespace nsgate::model {
namespace {

/// Whether places in the model and identities in the kernel are the same things, one to one.
class Likeness {
 public:
  bool holds(int place, std::uint64_t identity) {
    if (identity == 0) return false;
    const auto [it, fresh] = to_.emplace(place, identity);
    if (!fresh) return it->second == identity;
    return from_.emplace(identity, place).second;
  }

 private:
  std::map<int, std::uint64_t> to_;
  std::map<std::uint64_t, int> from_;
};

std::string named(int error) { return error == 0 ? "success" : ::strerrorname_np(error); }

class Run {
 public:
  Run(Model& model, Cast& cast) : model_(model), cast_(cast) {}

  /// False: they disagree.
  bool go(const Operation& operation);
  std::string story() const { return story_.str(); }
  std::optional<Outcome> last() const { return last_; }

 private:
  bool same(const Step& step, const Outcome& expected, const Done& done);

  Model& model_;
  Cast& cast_;
  std::ostringstream story_;
  std::optional<Outcome> last_;
  /// Of each open descriptor of a namespace: as long as it is open, nothing else has its identity.
  std::map<std::pair<int, int>, std::uint64_t> identities_;
  std::map<std::uint64_t, int> cookies_;
  std::map<std::pair<int, int>, Seen> seen_;
  std::map<std::pair<int, int>, std::pair<User, Net>> were_;
};

bool Run::go(const Operation& operation) {
  const Step step = model_.resolve(operation);
  const Outcome expected = model_.apply(step);
  last_.reset();
  if (!expected.done) return true;
  story_ << step << ": ";
  Done done;
  try {
    done = cast_.act(step);
  } catch (const Hang& hang) {
    story_ << hang.what() << '\n';
    return false;
  }
  last_ = expected;
  const bool agreed = same(step, expected, done);
  story_ << '\n';
  return agreed;
}

bool Run::same(const Step& step, const Outcome& expected, const Done& done) {
  story_ << named(done.error);
  if (done.at_stage) story_ << " at " << to_string(done.stage);
  const bool same_stage =
      done.at_stage == expected.stage.has_value() && done.stage == expected.stage.value_or(Stage{});
  if (done.error != expected.error || !same_stage) {
    story_ << ", but the model says " << named(expected.error);
    if (expected.stage) story_ << " at " << to_string(*expected.stage);
    return false;
  }
  const auto& processes = model_.processes();
  if (done.error == 0) {
    const int receiver = step.kind == Kind::pass ? step.target : step.process;
    if (expected.made) identities_[{receiver, step.made}] = done.identity;
    if (step.kind == Kind::close) identities_.erase({step.process, step.slot});
    for (int slot = 0; step.kind == Kind::fork && slot < max_slots; ++slot) {
      const auto inherited = identities_.find({step.process, slot});
      if (inherited != identities_.end()) identities_[{step.made, slot}] = inherited->second;
    }
  }
  if (done.error == 0 && expected.cookie_of) {
    const auto [known, fresh] = cookies_.emplace(done.cookie, *expected.cookie_of);
    bool other_cookie = false;
    for (const auto& [cookie, net] : cookies_) {
      other_cookie = other_cookie || (net == *expected.cookie_of && cookie != done.cookie);
    }
    if (known->second != *expected.cookie_of || other_cookie) {
      story_ << ", but that cookie is another network namespace's";
      return false;
    }
  }

  Likeness users;
  Likeness nets;
  for (const auto& at : cast_.look()) {
    const auto& thread = processes[static_cast<std::size_t>(at.process)]
                             .threads[static_cast<std::size_t>(at.thread)];
    const std::pair key(at.process, at.thread);
    const std::pair now(thread.user, thread.net);
    // Neither may one move that the model has stay, by which an identity could be used anew.
    const auto old = were_.find(key);
    const bool stayed =
        old == were_.end() || ((old->second.first != now.first || seen_[key].user == at.user) &&
                               (old->second.second != now.second || seen_[key].net == at.net));
    if (!users.holds(thread.user, at.user) || !nets.holds(thread.net, at.net) || !stayed) {
      story_ << ", but thread " << at.thread << " of process " << at.process
             << " is in other namespaces than the model says";
      return false;
    }
    were_[key] = now;
    seen_[key] = at;
  }
  for (std::size_t p = 0; p < processes.size(); ++p) {
    if (!processes[p].alive()) continue;
    for (std::size_t s = 0; s < max_slots; ++s) {
      const auto& descriptor = processes[p].slots[s];
      const bool net = descriptor.type == Descriptor::Type::net;
      if (!net && descriptor.type != Descriptor::Type::user) continue;
      const auto identity = identities_[{static_cast<int>(p), static_cast<int>(s)}];
      if (!(net ? nets : users).holds(descriptor.of, identity)) {
        story_ << ", but descriptor " << s << " of process " << p
               << " is of another namespace than the model says";
        return false;
      }
    }
  }
  if (done.error == 0 && expected.entered && !nets.holds(*expected.entered, done.identity)) {
    story_ << ", but in another network namespace than the model says";
    return false;
  }
  return true;
}

}  // namespace

Facts facts_of_this_machine() {
  Facts facts;
  utsname name{};
  ::uname(&name);
  // Debian's releases before 6.12 tell no patch level, but "#1 SMP Debian 6.1.192-2 (2026-11-02)".
  const char* const debian = std::strstr(name.version, "Debian ");
  std::sscanf(debian != nullptr ? debian + std::strlen("Debian ") : name.release, "%d.%d.%d",
              &facts.kernel.major, &facts.kernel.minor, &facts.kernel.patch);
  facts.uid = ::geteuid();
  facts.other_uid = 1000;
  facts.privileged = facts.uid == 0;
  int suid_dumpable = 0;
  std::ifstream("/proc/sys/fs/suid_dumpable") >> suid_dumpable;
  facts.suid_dumpable = suid_dumpable == 1;
  facts.initial = test::in_initial_userns();
  // EPERM: it is of a user namespace that cannot be seen from here (ioctl_nsfs(2)).
  const Fd net(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  facts.owns_its_net = Fd(::ioctl(net.get(), NS_GET_USERNS)) || errno != EPERM;
  return facts;
}

std::optional<std::string> Trial::disagreement(std::span<const Operation> operations,
                                               std::optional<Rule> without) {
  Model model(facts_, without);
  Run run(model, cast_);
  bool agreed = true;
  for (const auto& operation : operations) {
    const Kind kind = model.resolve(operation).kind;
    agreed = run.go(operation);
    if (const auto outcome = run.last()) {
      const int stage = outcome->stage ? static_cast<int>(*outcome->stage) : -1;
      ++ends_[static_cast<std::size_t>(kind)][{outcome->error, stage}];
    } else {
      ++not_done_;
    }
    if (!agreed) break;
  }
  cast_.clear();
  for (std::size_t rule = 0; rule < rules; ++rule) said_[rule] += model.said()[rule];
  if (agreed) return std::nullopt;
  return run.story();
}

}  // namespace nsgate::model
