// SPDX-License-Identifier: Apache-2.0
//
// One target, tried by every plan.
//
//   EXPECT_EQ(try_plans(UserTarget::process(other.pid())), all_enter);
#pragma once

#include <functional>
#include <ostream>

#include "nsgate/exec.h"
#include "support/ended.h"
#include "support/joins.h"

namespace nsgate::test {

/// How exec_in_user_netns ended by each plan; `entered` is success.
struct Plans {
  Ended automatic;
  Ended sequential;
  Ended one_shot;
  Ended owner_aware;
  friend bool operator==(const Plans&, const Plans&) = default;
};
std::ostream& operator<<(std::ostream& out, const Plans& plans);

extern const Plans all_enter;

/// In a child that first calls `become`, which returns 0 or an errno; then each plan leaves it as
/// it was for the next. Throws std::system_error when `become` failed.
Plans try_plans(
    const UserTarget& target, const std::function<int()>& become = [] { return 0; });

/// The namespaces of a process without the process: the kinds of target for which no one shot is.
UserTarget descriptors_of(const NamespaceFiles& files);

}  // namespace nsgate::test
