// SPDX-License-Identifier: Apache-2.0
#include "guest/profile.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "guest/credentials.h"
#include "guest/give_up.h"
#include "guest/knobs.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

/// Every kind of setting that profiles.toml may name.
constexpr std::array knobs{sysctl_knob,           proc_knob,
                           lockdown_knob,         seccomp_knob,
                           landlock_knob,         rlimit_knob,
                           cgroup_knob,           bounding_knob,
                           apparmor_feature_knob, apparmor_policy_knob,
                           apparmor_profile_knob, selinux_policy_knob,
                           selinux_domain_knob};

const Knob& knob_of(const frame::Setting& setting) {
  const auto found = std::ranges::find(knobs, setting.kind, &Knob::kind);
  if (found == knobs.end()) {
    give_up("init knows no setting of the kind " + setting.kind + " (guest/profile.cc)");
  }
  return *found;
}

/// A policy that no test could start under is found out before the first one.
Lacking try_confinement(const std::vector<frame::Setting>& settings, frame::User user) {
  constexpr int no_such_user = 3;
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork", errno);
  if (pid == 0) {
    errno = 0;
    if (const FailedStep step = confine(settings)) give_up(step, errno);
    ::_exit(become(user) == nullptr ? 0 : no_such_user);
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) give_up("waitpid", errno);
  // A nested user is one by setns(2), which a policy may refuse or answer with SIGSYS.
  if (user == frame::User::nested && status != 0) {
    return "under this profile nobody becomes the user " + std::string(to_string(user));
  }
  if (status != 0) {
    give_up("a process under the profile ended with the wait status " + std::to_string(status));
  }
  return std::nullopt;
}

}  // namespace

Lacking apply(const std::vector<frame::Setting>& settings, frame::User user) {
  keep_proc();
  for (const auto& setting : settings) {
    if (auto lacking = knob_of(setting).prepare(setting.value)) return lacking;
  }
  return try_confinement(settings, user);
}

FailedStep confine(const std::vector<frame::Setting>& settings) {
  for (const auto& setting : settings) {
    const auto confine_one = knob_of(setting).confine;
    if (confine_one == nullptr) continue;
    if (const FailedStep step = confine_one(setting.value)) return step;
  }
  return nullptr;
}

KeyAndText key_and_text(std::string_view kind, const std::string& value) {
  const auto equals = value.find('=');
  if (equals == 0 || equals == value.npos || equals + 1 == value.size()) {
    give_up("the value of a setting " + std::string(kind) + " is key=text, not " + value);
  }
  return {.key = value.substr(0, equals), .text = value.substr(equals + 1)};
}

}  // namespace nsgate::guest
