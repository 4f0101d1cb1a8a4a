// SPDX-License-Identifier: Apache-2.0
//
// Ways in which a process's user namespace and the owner of its network namespace can be related:
// setups for a ParkedProcess. "own" is the user namespace of the one who calls.
//
//   const ParkedProcess nested(&net_owned_above_user);
#pragma once

namespace nsgate::test {

/// own > user, which owns the network namespace.
int net_owned_by_user();
/// own > user; the network namespace is own's.
int net_owned_by_the_callers_own();
/// own > owner > user: bwrap --dev, podman in a user namespace (util-linux#1592).
int net_owned_above_user();
/// own > user > owner.
int net_owned_below_user();
/// own > above > user, above > owner.
int net_owned_beside_user();
/// own > user, own > owner. REQUIRES: CAP_SYS_ADMIN.
int net_owned_beside_user_at_the_top();

}  // namespace nsgate::test
