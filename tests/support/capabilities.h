// SPDX-License-Identifier: Apache-2.0
//
// The capabilities of the calling thread, and fewer of them.
//
//   answer_of_child([&] {
//     if (const int error = keep_capabilities(capability(CAP_SYS_ADMIN)); error != 0) return error;
//     …
#pragma once

#include <cstdint>
#include <ostream>

namespace nsgate::test {

/// One bit a capability, as in /proc/PID/status.
using CapabilitySet = std::uint64_t;

constexpr CapabilitySet capability(int number) { return CapabilitySet{1} << number; }

struct Capabilities {
  CapabilitySet inheritable;
  CapabilitySet permitted;
  CapabilitySet effective;
  CapabilitySet bounding;
  CapabilitySet ambient;
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};
std::ostream& operator<<(std::ostream& out, const Capabilities& sets);

Capabilities current_capabilities();

/// Every capability that the running kernel knows.
CapabilitySet every_capability();

/// Gives up all but these of the permitted capabilities and makes the rest effective and
/// inheritable. Returns 0 or an errno.
int keep_capabilities(CapabilitySet kept);
/// Gives up this one. Root need not have all others: a container's has not.
int drop_capability(int number);

}  // namespace nsgate::test
