// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "guest/give_up.h"
#include "guest/knobs.h"
#include "guest/mounts.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

std::string release() {
  utsname system{};
  return ::uname(&system) == 0 ? system.release : "this kernel";
}

/// The options of the file system on /proc, at the end of its line in proc_pid_mountinfo(5).
std::string options_of_proc() {
  const auto mounts = read_text("/proc/self/mountinfo");
  if (!mounts) give_up("read /proc/self/mountinfo", mounts.error());
  const auto at = mounts->find(" / /proc ");
  if (at == mounts->npos) give_up("/proc/self/mountinfo has no line for /proc");
  const auto line = mounts->substr(at, mounts->find('\n', at) - at);
  return line.substr(line.rfind(' ') + 1);
}

void hide_processes(const std::string& hidepid) {
  // fs/proc/root.c shows them by name since Linux 5.8.
  const std::map<std::string, std::string> names{
      {"1", "noaccess"}, {"2", "invisible"}, {"4", "ptraceable"}};
  const auto name = names.find(hidepid);
  if (name == names.end()) give_up("hidepid is 1, 2 or 4, not " + hidepid);
  constexpr unsigned long flags = MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const auto data = "hidepid=" + hidepid;
  if (::mount("proc", "/proc", "proc", flags, data.c_str()) != 0) {
    give_up("remount /proc with " + data, errno);
  }
  const auto options = options_of_proc();
  if (options.find("hidepid=" + name->second) == options.npos) {
    give_up("/proc was remounted with " + data + " and has the options " + options);
  }
}

void take_proc_away() {
  if (::umount2("/proc", MNT_DETACH) != 0) give_up("unmount /proc", errno);
  struct stat status {};
  if (::stat("/proc/self", &status) == 0) give_up("/proc was unmounted and is still there");
}

}  // namespace

Lacking set_sysctl(const std::string& value) {
  const auto [name, wanted] = key_and_text("sysctl", value);
  auto path = "/proc/sys/" + name;
  std::ranges::replace(path, '.', '/');
  const int error = write_text(path, wanted);
  if (error == ENOENT) return name + ": no such sysctl in " + release();
  if (error != 0) give_up("sysctl " + value, error);
  const auto got = read_text(path);
  if (!got) give_up("read " + path, got.error());
  if (*got != wanted) give_up("sysctl " + value + " did not take: it is " + *got);
  return std::nullopt;
}

Lacking change_proc(const std::string& value) {
  if (value == "none") {
    take_proc_away();
    return std::nullopt;
  }
  const auto [option, number] = key_and_text("proc", value);
  if (option != "hidepid") give_up("proc can be none or hidepid=…, not " + value);
  hide_processes(number);
  return std::nullopt;
}

Lacking check_lockdown(const std::string& value) {
  if (!mount_securityfs()) return "lockdown: no securityfs in " + release();
  const auto state = read_text("/sys/kernel/security/lockdown");
  if (!state) return "lockdown: not among the security modules of " + release();
  // "none [integrity] confidentiality"
  if (state->find("[" + value + "]") == state->npos) {
    give_up("lockdown=" + value + " did not take: /sys/kernel/security/lockdown is " + *state);
  }
  return std::nullopt;
}

}  // namespace nsgate::guest
