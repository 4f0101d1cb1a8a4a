// SPDX-License-Identifier: Apache-2.0
#include "support/requirements.h"

#include <sched.h>
#include <unistd.h>

#include <fstream>

#include "support/child_process.h"
#include "support/namespaces.h"

namespace nsgate::test {
namespace {

bool in_initial_userns() {
  // Only the initial user namespace maps every id (user_namespaces(7)).
  unsigned long inside = 1;
  unsigned long outside = 1;
  unsigned long count = 0;
  std::ifstream("/proc/self/uid_map") >> inside >> outside >> count;
  return inside == 0 && outside == 0 && count == 4294967295ul;
}

bool has_no_capability() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapPrm:")) return line.find_first_not_of("0 \t", 7) == std::string::npos;
  }
  return false;
}

// Each does the thing once in a child: capability bits alone do not decide it.
bool probe_root() {
  return ::geteuid() == 0 && in_initial_userns() &&
         answer_of_child([] { return unshare_mapped(CLONE_NEWNET); }) == 0;
}

bool probe_rootless() {
  return ::geteuid() != 0 && has_no_capability() &&
         answer_of_child([] { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); }) == 0;
}

}  // namespace

const Requirement root{
    "root", "uid 0 of the initial user namespace, free to make network namespaces", &probe_root};
const Requirement rootless{"rootless",
                           "a uid other than 0, without capabilities, free to make user namespaces",
                           &probe_rootless};

std::optional<std::string> unmet(const Requirement& requirement) {
  if (requirement.probe()) return std::nullopt;
  return std::string("needs ") + requirement.id + ": " + requirement.reason;
}

}  // namespace nsgate::test
