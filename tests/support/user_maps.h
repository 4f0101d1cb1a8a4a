// SPDX-License-Identifier: Apache-2.0
//
// A user namespace whose maps its owner could not write: ranges, as newuidmap(1) writes them.
//
//   const MappedScratch other(1000, "0 1000 1\n1 100000 50\n");
#pragma once

#include <string>

#include "support/namespaces.h"

namespace nsgate::test {

/// A process in a user namespace and a network namespace of its own, both made by this uid, with
/// this map of uids and of gids, in which setgroups(2) is allowed. REQUIRES: root. Throws
/// std::system_error.
class MappedScratch : public UserScratch {
 public:
  MappedScratch(uid_t owner, const std::string& map);
};

/// Maps the caller, who is the owner, to root in the user namespace of a process that has no maps
/// yet. Throws std::system_error.
void map_owner_to_zero(const ParkedProcess& process);

}  // namespace nsgate::test
