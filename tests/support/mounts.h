// SPDX-License-Identifier: Apache-2.0
//
// The need of a test that mounts file systems, which a Landlock domain forbids to everyone.
//
//   REQUIRES(mounts);
#pragma once

#include "support/requirements.h"

namespace nsgate::test {

/// Free to change the mounts of a mount namespace of its own: as root, or in a user namespace.
extern const Requirement mounts;

}  // namespace nsgate::test
