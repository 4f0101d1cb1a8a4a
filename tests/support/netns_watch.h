// SPDX-License-Identifier: Apache-2.0
//
// Tells whether a network namespace is alive, without keeping it alive.
//
//   const NetnsWatch watch(target.open("ns/net"));
//   target.reap();
//   EXPECT_TRUE(watch.sees_end());
#pragma once

#include "nsgate/fd.h"

namespace nsgate::test {

/// Gives the namespace an id in the caller's network namespace, which is a name and no reference,
/// and asks rtnetlink(7) about the id. REQUIRES: CAP_NET_ADMIN over both namespaces. Throws
/// std::system_error.
class NetnsWatch {
 public:
  explicit NetnsWatch(const Fd& netns);

  /// Whether anything refers to it at this moment. What an ended process or thread or a closed
  /// socket held can be released a moment after that end.
  bool alive() const;
  /// Waits until the kernel tells that it has begun to take the namespace down; false when that did
  /// not come within half a minute.
  bool sees_end() const;

 private:
  Fd requests_;
  Fd events_;
  int id_;
};

}  // namespace nsgate::test
