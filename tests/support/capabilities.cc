// SPDX-License-Identifier: Apache-2.0
#include "support/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iomanip>
#include <map>
#include <stdexcept>
#include <string>

namespace nsgate::test {

std::ostream& operator<<(std::ostream& out, const Capabilities& sets) {
  const auto flags = out.flags();
  out << std::hex << "inheritable " << sets.inheritable << ", permitted " << sets.permitted
      << ", effective " << sets.effective << ", bounding " << sets.bounding << ", ambient "
      << sets.ambient;
  out.flags(flags);
  return out;
}

Capabilities current_capabilities() {
  std::ifstream status("/proc/thread-self/status");
  std::map<std::string, CapabilitySet> sets;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Cap")) sets[line.substr(3, 3)] = std::stoull(line.substr(7), nullptr, 16);
  }
  return {sets.at("Inh"), sets.at("Prm"), sets.at("Eff"), sets.at("Bnd"), sets.at("Amb")};
}

CapabilitySet every_capability() {
  int last = -1;
  std::ifstream("/proc/sys/kernel/cap_last_cap") >> last;
  if (last < 0) throw std::runtime_error("/proc/sys/kernel/cap_last_cap cannot be read");
  return capability(last + 1) - 1;
}

int keep_capabilities(CapabilitySet kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto half = static_cast<std::uint32_t>(kept >> (32 * i));
    data[i] = {.effective = half, .permitted = half, .inheritable = half};
  }
  return ::syscall(SYS_capset, &header, data.data()) == 0 ? 0 : errno;
}

int drop_capability(int number) {
  return keep_capabilities(current_capabilities().permitted & ~capability(number));
}

}  // namespace nsgate::test
