// SPDX-License-Identifier: Apache-2.0
//
// What a test needs of the machine it runs on.
//
//   TEST(InNetns, ClosureRunsInTheTarget) {
//     BEHAVIOUR("TH01");
//     REQUIRES(root);
//
// A need that is not met skips the test with a reason that begins with "needs <id>:". The lab knows
// which needs a cell leaves unmet (vm/profiles.toml) and fails every other skip. "This kernel lacks
// the interface" is no need: it is an assertion about the errno.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/behaviours.h"

namespace nsgate::test {

struct Requirement {
  const char* id;
  const char* reason;
  bool (*probe)();
};

/// uid 0 of the initial user namespace, with CAP_SYS_ADMIN.
extern const Requirement root;
/// Another uid, without any capability, able to make a user namespace.
extern const Requirement rootless;
/// Root, or whoever runs the test, and any other user may make user namespaces, and network
/// namespaces in them.
extern const Requirement userns;
/// Whoever runs the test may make a network namespace: as root, or in a user namespace.
extern const Requirement own_netns;

/// A build without sanitizers: their runtime does not survive a thread that ends by a raw exit, or
/// a second process that returns from the same test.
extern const Requirement unsanitized;
/// A build without ThreadSanitizer, whose runtime makes system calls and maps memory of its own
/// beside those that the test counts.
extern const Requirement no_tsan;

/// Why the requirement is not met; nothing when it is.
std::optional<std::string> unmet(const Requirement& requirement);

}  // namespace nsgate::test

#define REQUIRES(requirement)                                                  \
  do {                                                                         \
    if (const auto why = ::nsgate::test::unmet(::nsgate::test::requirement)) { \
      GTEST_SKIP() << *why;                                                    \
    }                                                                          \
  } while (false)
