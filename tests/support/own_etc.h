// SPDX-License-Identifier: Apache-2.0
//
// An /etc in which the resolver is configured for the caller in one way, and for the namespace of a
// name, as ip-netns(8) has it, in another.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace nsgate::test {

inline constexpr auto callers_nameserver = "nameserver 192.0.2.1\n";
inline constexpr auto names_nameserver = "nameserver 198.51.100.1\n";

/// For a child that has called must_own_run(). Throws std::system_error.
inline void must_own_etc(const std::string& name) {
  if (::mount("etc", "/etc", "tmpfs", 0, "mode=0755") != 0 || ::mkdir("/etc/netns", 0755) != 0 ||
      ::mkdir(("/etc/netns/" + name).c_str(), 0755) != 0) {
    throw std::system_error(errno, std::generic_category(), "/etc/netns");
  }
  std::ofstream("/etc/resolv.conf") << callers_nameserver;
  std::ofstream("/etc/netns/" + name + "/resolv.conf") << names_nameserver;
}

/// What the calling thread finds.
inline std::string configured_nameserver() {
  std::ifstream file("/etc/resolv.conf");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace nsgate::test
