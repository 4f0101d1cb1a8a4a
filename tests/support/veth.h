// SPDX-License-Identifier: Apache-2.0
//
// Pairs of virtual Ethernet interfaces: the devices that most kernels can make of nothing.
//
//   REQUIRES(veth);
//   EXPECT_EQ(add_veth("near", "far", netns), 0);
#pragma once

#include "nsgate/fd.h"
#include "support/requirements.h"

namespace nsgate::test {

/// A kernel that has veth(4), built in or loaded.
extern const Requirement veth;

/// Makes a pair: `near` in the calling thread's network namespace, `far` in the one of this file,
/// or likewise in the calling thread's when it is empty. Returns 0 or an errno.
int add_veth(const char* near, const char* far, const Fd& far_netns = Fd());

}  // namespace nsgate::test
