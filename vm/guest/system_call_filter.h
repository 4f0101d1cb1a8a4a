// SPDX-License-Identifier: Apache-2.0
//
// A seccomp filter as profiles.toml words it: what happens, and to which system calls.
//
//   const auto filter = parse_filter("eperm setns");
//   const auto program = filter_program(*filter);   // for PR_SET_SECCOMP
//
// Thread-safe. Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace nsgate::guest {

struct SystemCallFilter {
  std::uint32_t action;  ///< SECCOMP_RET_… with its errno
  std::vector<std::uint32_t> numbers;
};

/// "eperm", "enosys" or "kill" (the process), then names of system calls. The error says what is
/// wrong.
std::expected<SystemCallFilter, std::string> parse_filter(std::string_view text);

/// Allows everything else. A call by another architecture's numbers meets the action, too: it could
/// be any.
std::vector<sock_filter> filter_program(const SystemCallFilter& filter);

}  // namespace nsgate::guest
