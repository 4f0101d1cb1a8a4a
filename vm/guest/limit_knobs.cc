// SPDX-License-Identifier: Apache-2.0
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "guest/give_up.h"
#include "guest/knobs.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

constexpr const char* cgroup = "/sys/fs/cgroup/limited";

struct Limit {
  __rlimit_resource_t resource;
  rlim_t value;
};

Limit parse_limit(const std::string& setting) {
  const auto [name, text] = key_and_text("rlimit", setting);
  Limit limit{.resource = RLIMIT_NPROC, .value = 0};
  if (name == "nofile") {
    limit.resource = RLIMIT_NOFILE;
  } else if (name != "nproc") {
    give_up("init knows no limit " + name + " (guest/limit_knobs.cc)");
  }
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, limit.value).ptr != end) {
    give_up("a limit is a number, not " + text);
  }
  return limit;
}

/// By number, from linux/capability.h without CAP_.
constexpr std::array<std::string_view, CAP_LAST_CAP + 1> capability_names{"chown",
                                                                          "dac_override",
                                                                          "dac_read_search",
                                                                          "fowner",
                                                                          "fsetid",
                                                                          "kill",
                                                                          "setgid",
                                                                          "setuid",
                                                                          "setpcap",
                                                                          "linux_immutable",
                                                                          "net_bind_service",
                                                                          "net_broadcast",
                                                                          "net_admin",
                                                                          "net_raw",
                                                                          "ipc_lock",
                                                                          "ipc_owner",
                                                                          "sys_module",
                                                                          "sys_rawio",
                                                                          "sys_chroot",
                                                                          "sys_ptrace",
                                                                          "sys_pacct",
                                                                          "sys_admin",
                                                                          "sys_boot",
                                                                          "sys_nice",
                                                                          "sys_resource",
                                                                          "sys_time",
                                                                          "sys_tty_config",
                                                                          "mknod",
                                                                          "lease",
                                                                          "audit_write",
                                                                          "audit_control",
                                                                          "setfcap",
                                                                          "mac_override",
                                                                          "mac_admin",
                                                                          "syslog",
                                                                          "wake_alarm",
                                                                          "block_suspend",
                                                                          "audit_read",
                                                                          "perfmon",
                                                                          "bpf",
                                                                          "checkpoint_restore"};

/// One bit a capability.
std::uint64_t parse_capabilities(std::string_view names) {
  std::uint64_t set = 0;
  while (!names.empty()) {
    const auto name = names.substr(0, names.find(','));
    const auto found = std::ranges::find(capability_names, name);
    if (found == capability_names.end()) {
      give_up("there is no capability " + std::string(name));
    }
    set |= std::uint64_t{1} << (found - capability_names.begin());
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return set;
}

}  // namespace

Lacking check_rlimit(const std::string& value) {
  parse_limit(value);
  return std::nullopt;
}

FailedStep limit_process(const std::string& value) {
  const auto [resource, number] = parse_limit(value);
  const rlimit wanted{.rlim_cur = number, .rlim_max = number};
  if (::setrlimit(resource, &wanted) != 0) return "setrlimit of the profile";
  rlimit got{};
  if (::getrlimit(resource, &got) != 0) return "getrlimit";
  errno = 0;
  return got.rlim_cur == number && got.rlim_max == number ? nullptr
                                                          : "a limit of the profile did not take";
}

Lacking make_cgroup(const std::string& value) {
  const auto [file, text] = key_and_text("cgroup", value);
  const auto controller = file.substr(0, file.find('.'));
  const auto controllers = read_text("/sys/fs/cgroup/cgroup.controllers");
  if (!controllers)
    return "control groups (version 2): " + std::string(::strerrorname_np(controllers.error()));
  if ((' ' + *controllers + ' ').find(' ' + controller + ' ') == std::string::npos) {
    return file + ": this kernel's control groups have no controller " + controller;
  }
  if (const int error = write_text("/sys/fs/cgroup/cgroup.subtree_control", '+' + controller);
      error != 0) {
    give_up("enable the controller " + controller, error);
  }
  if (::mkdir(cgroup, 0755) != 0 && errno != EEXIST) give_up("mkdir of the control group", errno);
  const auto path = std::string(cgroup) + '/' + file;
  if (const int error = write_text(path, text); error != 0) give_up("write " + path, error);
  const auto got = read_text(path);
  if (got != text)
    give_up("cgroup " + value + " did not take: it is " + got.value_or("unreadable"));
  return std::nullopt;
}

FailedStep enter_cgroup(const std::string&) {
  errno = write_text(std::string(cgroup) + "/cgroup.procs", "0");
  if (errno != 0) return "entering the control group of the profile";
  const auto own = read_text("/proc/self/cgroup");
  if (!own) {
    errno = own.error();
    return "read /proc/self/cgroup";
  }
  return own->ends_with("0::/limited") ? nullptr : "the control group of the profile did not take";
}

Lacking check_capabilities(const std::string& value) {
  parse_capabilities(value);
  return std::nullopt;
}

FailedStep bound_capabilities(const std::string& value) {
  const auto kept = parse_capabilities(value);
  // PR_CAPBSET_READ answers -1 beyond the last capability of the kernel.
  for (unsigned long number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number) {
    const bool keep = number < 64 && (kept >> number & 1) != 0;
    if (!keep && ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return "prctl PR_CAPBSET_DROP";
    errno = 0;
    if ((::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) != keep) {
      return "the bounding set of the profile did not take";
    }
  }
  return nullptr;
}

}  // namespace nsgate::guest
