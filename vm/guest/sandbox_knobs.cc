// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "guest/give_up.h"
#include "guest/knobs.h"
#include "guest/system_call_filter.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

/// What the first of the filter's calls does in a child, without arguments that could make it work:
/// an errno, or a signal beyond all errnos.
constexpr int signals = 1 << 16;

int try_call(std::uint32_t number) {
  const pid_t pid = ::fork();
  if (pid < 0) return 0;
  if (pid == 0) {
    const long answer = ::syscall(number, -1, 0);
    ::_exit(answer < 0 && errno < 256 ? errno : 0);
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return 0;
  return WIFSIGNALED(status) ? signals + WTERMSIG(status) : WEXITSTATUS(status);
}

int expected_answer(const SystemCallFilter& filter) {
  return filter.action == SECCOMP_RET_KILL_PROCESS
             ? signals + SIGSYS
             : static_cast<int>(filter.action & SECCOMP_RET_DATA);
}

}  // namespace

Lacking check_seccomp(const std::string& value) {
  const auto filter = parse_filter(value);
  if (!filter) give_up(filter.error());
  std::uint32_t action = filter->action & SECCOMP_RET_ACTION_FULL;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) {
    return std::string("seccomp filters: ") + ::strerrorname_np(errno) + " (CONFIG_SECCOMP_FILTER)";
  }
  return std::nullopt;
}

FailedStep filter_system_calls(const std::string& value) {
  const auto filter = parse_filter(value);
  errno = 0;
  if (!filter) return "a filter of the profile makes no sense";
  auto instructions = filter_program(*filter);
  const sock_fprog program{static_cast<unsigned short>(instructions.size()), instructions.data()};
  // With CAP_SYS_ADMIN and so without no_new_privs, as container runtimes do it.
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return "PR_SET_SECCOMP";
  for (const auto number : filter->numbers) {
    const int answer = try_call(number);
    errno = 0;
    if (answer != expected_answer(*filter)) return "a filter of the profile did not take";
  }
  return nullptr;
}

Lacking check_landlock(const std::string& value) {
  if (value != "execute") give_up("the only Landlock domain known is execute, not " + value);
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0) {
    return std::string("Landlock: ") + ::strerrorname_np(errno) +
           " (CONFIG_SECURITY_LANDLOCK, and landlock in the list of lsm=)";
  }
  return std::nullopt;
}

FailedStep enter_landlock(const std::string&) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE;
  const int rules =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (rules < 0) return "landlock_create_ruleset";
  const int root = ::open("/", O_PATH | O_CLOEXEC);
  if (root < 0) return "open /";
  const landlock_path_beneath_attr everything{.allowed_access = LANDLOCK_ACCESS_FS_EXECUTE,
                                              .parent_fd = root};
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &everything, 0) != 0) {
    return "landlock_add_rule";
  }
  ::close(root);
  // With CAP_SYS_ADMIN and so without no_new_privs.
  if (::syscall(SYS_landlock_restrict_self, rules, 0) != 0) return "landlock_restrict_self";
  ::close(rules);
  // Even root may no longer trace what is outside of the domain, such as init.
  const auto outside = open_text("/proc/1/ns/net", O_RDONLY);
  if (outside) ::close(*outside);
  errno = 0;
  return !outside && outside.error() == EACCES ? nullptr
                                               : "the Landlock domain of the profile did not take";
}

}  // namespace nsgate::guest
