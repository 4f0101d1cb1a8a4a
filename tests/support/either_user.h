// SPDX-License-Identifier: Apache-2.0
//
// One test body for root and for a user without privileges.
//
//   const auto seen = answer_of_owner([] {
//     const ScratchNetns other;
//     return enter_both_ways(Target::process(other.pid()));
//   });
//   EXPECT_THAT(seen, Each(exited(0)));
#pragma once

#include <utility>

#include "support/child_process.h"

namespace nsgate::test {

/// For a child: leaves for a network namespace of its own over which it has all capabilities, by
/// way of a user namespace of its own unless it has CAP_SYS_ADMIN already. `more` are further
/// CLONE_NEW… flags. Returns 0 or an errno.
int unshare_own(int more = 0);

/// A process in such namespaces, made by the test's user.
class OwnScratch : public ParkedProcess {
 public:
  OwnScratch() : ParkedProcess([] { return unshare_own(); }) {}
};

/// For a child: has no capability any more, and is nobody if it was root. Returns 0 or an errno.
int become_unprivileged();

namespace detail {
/// unshare_own, or an end of the process that tells why not.
void must_unshare_own();
}  // namespace detail

/// answer_of_child for a child that has called unshare_own.
template <typename F>
auto answer_of_owner(F f) {
  return answer_of_child([&f] {
    detail::must_unshare_own();
    return f();
  });
}

}  // namespace nsgate::test
