// SPDX-License-Identifier: Apache-2.0
//
// Makes of the initramfs a place that looks like a system to the tests. Every failure gives up.
// Not thread-safe.
#pragma once

#include "frame/plan.h"

namespace nsgate::guest {

/// A root that is a mount of its own and shared, the usual file systems, /etc/passwd and /etc/group
/// with root and nsgate added to what
/// a userland has there, and the loopback interface up.
void prepare_root();

/// Mounts securityfs on /sys/kernel/security, once. False where the kernel has none.
bool mount_securityfs();

/// The directory that each test has for itself, owned by its user: its cwd, HOME and TMPDIR.
inline constexpr const char* test_directory = "/tmp/test";

/// A fresh and empty one.
void make_test_directory(frame::User user);
/// Takes it away with everything that a test put in it or mounted on it.
void remove_test_directory();

}  // namespace nsgate::guest
