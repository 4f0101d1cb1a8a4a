// SPDX-License-Identifier: Apache-2.0
#include "support/user_trees.h"

#include <linux/capability.h>
#include <sched.h>

#include "support/capabilities.h"
#include "support/joins.h"
#include "support/namespaces.h"

namespace nsgate::test {
namespace {

/// For a child: takes the network namespace of a fresh user namespace below its own.
int take_net_of_a_child() {
  const ParkedProcess below(&net_owned_by_user);
  return join_net(NamespaceFiles(below));
}

}  // namespace

int net_owned_by_user() { return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); }

int net_owned_by_the_callers_own() {
  // The one that the caller is in may be its host's.
  const bool privileged = (current_capabilities().effective & capability(CAP_SYS_ADMIN)) != 0;
  const int error = privileged ? unshare_mapped(CLONE_NEWNET) : 0;
  return error != 0 ? error : unshare_mapped(CLONE_NEWUSER);
}

int net_owned_above_user() {
  const int error = net_owned_by_user();
  return error != 0 ? error : unshare_mapped(CLONE_NEWUSER);
}

int net_owned_below_user() {
  const int error = unshare_mapped(CLONE_NEWUSER);
  return error != 0 ? error : take_net_of_a_child();
}

int net_owned_beside_user_at_the_top() {
  const int error = take_net_of_a_child();
  return error != 0 ? error : unshare_mapped(CLONE_NEWUSER);
}

int net_owned_beside_user() {
  const int error = unshare_mapped(CLONE_NEWUSER);
  return error != 0 ? error : net_owned_beside_user_at_the_top();
}

}  // namespace nsgate::test
