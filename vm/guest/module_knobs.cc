// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include <cerrno>

#include "guest/give_up.h"
#include "guest/knobs.h"
#include "guest/mounts.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

constexpr const char* policies = "/nsgate/policy/";
constexpr const char* apparmor = "/sys/kernel/security/apparmor/";
constexpr const char* selinux = "/sys/fs/selinux/";

/// A file of the image.
std::string policy(const std::string& name) {
  auto bytes = read_bytes(policies + name);
  if (!bytes) give_up("read the policy " + name, bytes.error());
  return std::move(*bytes);
}

std::string context_of(const std::string& domain) { return "system_u:system_r:" + domain; }

/// The end of a label is a NUL in some kernels.
FailedStep verify_label(const char* file, const std::string& wanted) {
  auto label = read_text(file);
  errno = label ? 0 : label.error();
  if (!label) return "reading the security label of the process";
  if (label->ends_with('\0')) label->pop_back();
  return *label == wanted ? nullptr : "the security label of the profile did not take";
}

}  // namespace

Lacking check_apparmor_feature(const std::string& value) {
  const auto [file, word] = key_and_text("apparmor_feature", value);
  if (!mount_securityfs()) return std::string("AppArmor: no securityfs");
  const auto features = read_text(std::string(apparmor) + "features/" + file);
  if (!features || (' ' + *features + ' ').find(' ' + word + ' ') == std::string::npos) {
    return "AppArmor of this kernel does not mediate " + word;
  }
  return std::nullopt;
}

Lacking load_apparmor_policy(const std::string& value) {
  if (!mount_securityfs()) return std::string("AppArmor: no securityfs");
  const int error = write_text(std::string(apparmor) + ".load", policy(value));
  if (error == ENOENT) return std::string("AppArmor is not among the active security modules");
  if (error != 0) give_up("load the AppArmor policy " + value, error);
  return std::nullopt;
}

Lacking check_apparmor_profile(const std::string& value) {
  const auto profiles = read_text(std::string(apparmor) + "profiles");
  if (!profiles) give_up("read the profiles of AppArmor", profiles.error());
  if (('\n' + *profiles).find('\n' + value + " (enforce)") == std::string::npos) {
    give_up("AppArmor does not enforce the profile " + value + " but: " + *profiles);
  }
  return std::nullopt;
}

FailedStep enter_apparmor_profile(const std::string& value) {
  constexpr const char* label = "/proc/self/attr/apparmor/current";
  errno = write_text(label, "changeprofile " + value);
  if (errno != 0) return "changing to the AppArmor profile";
  return verify_label(label, value + " (enforce)");
}

Lacking load_selinux_policy(const std::string& value) {
  if (::mount("selinuxfs", selinux, "selinuxfs", MS_NOSUID | MS_NOEXEC, nullptr) != 0) {
    if (errno == ENODEV || errno == ENOENT) {
      return std::string("SELinux is not among the active security modules");
    }
    give_up("mount selinuxfs", errno);
  }
  if (const int error = write_text(std::string(selinux) + "load", policy(value)); error != 0) {
    give_up("load the SELinux policy " + value, error);
  }
  const auto enforce = std::string(selinux) + "enforce";
  if (const int error = write_text(enforce, "1"); error != 0) give_up("write " + enforce, error);
  if (read_text(enforce) != "1") give_up("SELinux does not enforce its policy");
  return std::nullopt;
}

Lacking check_selinux_domain(const std::string& value) {
  const auto context = context_of(value);
  if (const int error = write_text(std::string(selinux) + "context", context); error != 0) {
    give_up("the SELinux policy has no context " + context, error);
  }
  return std::nullopt;
}

FailedStep enter_selinux_domain(const std::string& value) {
  constexpr const char* label = "/proc/self/attr/current";
  errno = write_text(label, context_of(value));
  if (errno != 0) return "changing to the SELinux domain";
  return verify_label(label, context_of(value));
}

}  // namespace nsgate::guest
