// SPDX-License-Identifier: Apache-2.0
//
// Whether the hosts of a farm can run the cells, asked all at once before anything is run there.
//
//   for (const auto& check : check_hosts(hosts, {.nsgate = "nsgate", .files = {"/p/payload"}}))
//     if (!check.unusable.empty()) spdlog::warn("{}: {}", check.host.host, check.unusable);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/farm/hosts.h"

namespace nsgate::lab {

struct HostQuestion {
  std::string nsgate = "nsgate";     ///< its path on the hosts
  std::vector<std::string> files{};  ///< that have to be there under the same path
  bool doctor = true;                ///< ask `nsgate doctor` too
  bool own_tests = true;             ///< nsgate's own tests are run, so they have to be there
};

struct HostCheck {
  FarmHost host;
  std::string unusable;        ///< why it is left out; empty for a host that is good
  std::size_t processors = 1;  ///< as it says itself
};

/// In the order of `hosts`.
std::vector<HostCheck> check_hosts(const std::vector<FarmHost>& hosts,
                                   const HostQuestion& question);

/// The command that is run on a host, and what its output says about it; parts of check_hosts.
std::string question_command(const HostQuestion& question);
HostCheck read_answer(const FarmHost& host, std::string_view out, const HostQuestion& question);

}  // namespace nsgate::lab
