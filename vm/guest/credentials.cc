// SPDX-License-Identifier: Apache-2.0
#include "guest/credentials.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "guest/give_up.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

int nested_userns = -1;

const char* become_rootless() {
  constexpr auto id = static_cast<unsigned>(frame::rootless_id);
  if (::setgroups(0, nullptr) != 0) return "setgroups";
  if (::setresgid(id, id, id) != 0) return "setresgid";
  if (::setresuid(id, id, id) != 0) return "setresuid";
  return nullptr;
}

const char* become_nested() {
  if (::setgroups(0, nullptr) != 0) return "setgroups";
  if (::setns(nested_userns, CLONE_NEWUSER) != 0) return "setns of the nested user namespace";
  if (::setresgid(0, 0, 0) != 0) return "setresgid";
  if (::setresuid(0, 0, 0) != 0) return "setresuid";
  return ::unshare(CLONE_NEWNS) == 0 ? nullptr : "unshare of mounts";
}

/// In a child: uid 1000 makes a user namespace and stays until it is killed.
[[noreturn]] void own_userns(int told) {
  int error = 0;
  if (become_rootless() != nullptr || ::unshare(CLONE_NEWUSER) != 0) error = errno;
  [[maybe_unused]] const auto written = ::write(told, &error, sizeof error);
  while (true) ::pause();
}

void must_write(const std::string& path, const std::string& text) {
  if (const int error = write_text(path, text); error != 0) give_up("write of " + path, error);
}

const char* verify_no_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return "capget";
  errno = 0;
  for (const auto& set : sets) {
    if ((set.effective | set.permitted | set.inheritable) != 0) {
      return "a capability outlived setresuid";
    }
  }
  // Beyond the last capability of the kernel the answer is -1 with EINVAL.
  for (unsigned long capability = 0;; ++capability) {
    const int raised = ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
    if (raised < 0) return capability == 0 ? "prctl PR_CAP_AMBIENT_IS_SET" : nullptr;
    errno = 0;
    if (raised > 0) return "an ambient capability outlived setresuid";
  }
}

}  // namespace

Lacking prepare(frame::User user) {
  if (user != frame::User::nested) return std::nullopt;
  std::array<int, 2> told{};
  if (::pipe2(told.data(), O_CLOEXEC) != 0) give_up("pipe2", errno);
  const pid_t owner = ::fork();
  if (owner < 0) give_up("fork", errno);
  if (owner == 0) own_userns(told[1]);
  int error = 0;
  if (::read(told[0], &error, sizeof error) != sizeof error) give_up("read of a pipe", errno);
  ::close(told[0]);
  ::close(told[1]);
  const auto proc = "/proc/" + std::to_string(owner);
  if (error == 0) {
    const std::string map = "0 " + std::to_string(frame::rootless_id) + " 1\n1 100000 65535\n";
    must_write(proc + "/gid_map", map);
    must_write(proc + "/uid_map", map);
    nested_userns = ::open((proc + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC);
    if (nested_userns < 0) give_up("open of a user namespace", errno);
  }
  ::kill(owner, SIGKILL);
  int status = 0;
  if (::waitpid(owner, &status, 0) != owner) give_up("waitpid", errno);
  if (error == 0) return std::nullopt;
  return std::string("uid 1000 makes no user namespace: ").append(::strerrorname_np(error));
}

const char* become(frame::User user) {
  switch (user) {
    case frame::User::root:
      return nullptr;
    case frame::User::rootless:
      if (const char* step = become_rootless()) return step;
      return verify_no_capabilities();
    case frame::User::nested:
      return become_nested();
  }
  return "an unknown user";
}

}  // namespace nsgate::guest
