// SPDX-License-Identifier: Apache-2.0
//
// What whoever runs the test may do with the network namespace it is in: it depends on who owns
// that one, not on the uid. Root of a rootless container has uid 0 and may not.
//
//   EXPECT_EQ(ended, may_reenter_own_netns() ? entered : refused(Stage::setns_net, EPERM));
#pragma once

namespace nsgate::test {

/// setns(2) of it succeeds: CAP_SYS_ADMIN in its owner and in the own user namespace.
bool may_reenter_own_netns();

/// NS_GET_USERNS tells its owner: it is the own user namespace or below it (ioctl_nsfs(2)).
bool sees_owner_of_own_netns();

}  // namespace nsgate::test
