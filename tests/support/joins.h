// SPDX-License-Identifier: Apache-2.0
//
// The orders in which a user namespace and a network namespace can be joined by setns(2) itself:
// what the kernel says, beside what core makes of it.
//
//   const NamespaceFiles files(target);
//   EXPECT_EQ(try_orders(files), (Orders{.net = EPERM, .user_then_net = 0, …}));
#pragma once

#include <functional>
#include <ostream>

#include "nsgate/fd.h"
#include "support/child_process.h"

namespace nsgate::test {

/// A process's namespaces as setns takes them. Opened by the test's own user, so that the file's
/// permissions and the kernel's decision at setns are told apart.
struct NamespaceFiles {
  explicit NamespaceFiles(const ParkedProcess& process);

  Fd user;
  Fd net;
  Fd process;  // pidfd
};

// For a child. Each returns 0 or the errno of the first call that was refused.
int join_user(const NamespaceFiles& files);
int join_net(const NamespaceFiles& files);
/// Both by one setns on the pidfd, since Linux 5.8.
int join_at_once(const NamespaceFiles& files);

/// 0 or the errno of each order.
struct Orders {
  int net;
  int user_then_net;
  int net_then_user;
  int at_once;
  friend bool operator==(const Orders&, const Orders&) = default;
};
std::ostream& operator<<(std::ostream& out, const Orders& orders);

/// Tries each order in a child of its own, after `become` there, which returns 0 or an errno.
Orders try_orders(
    const NamespaceFiles& files, const std::function<int()>& become = [] { return 0; });

}  // namespace nsgate::test
