// SPDX-License-Identifier: Apache-2.0
//
// Where an entry leads, by each of the three ways.
//
//   EXPECT_THAT(enter_all_ways(Target::pidfd(fd), UserTarget::pidfd(fd)),
//               Each(arrival_in(other.id())));
#pragma once

#include <array>
#include <ostream>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/ended.h"
#include "support/namespaces.h"

namespace nsgate::test {

/// In a form that a child can send to its test.
struct Arrival {
  Ended ended;
  NamespaceId netns;  ///< of the closure or the program; zeros when there was none
  friend bool operator==(const Arrival&, const Arrival&) = default;
};
std::ostream& operator<<(std::ostream& out, const Arrival& arrival);

inline Arrival arrival_in(const NamespaceId& netns) { return {exited(0), netns}; }
inline Arrival turned_away(Stage stage, int code) { return {refused(stage, code), {}}; }

/// By in_netns, exec_in_netns and exec_in_user_netns, in this order.
using Arrivals = std::array<Arrival, 3>;
Arrivals enter_all_ways(const Target& target, const UserTarget& both,
                        const std::string& program = helper());

/// What the helper printed of a namespace; zeros when it did not run.
NamespaceId printed_id(const Result<Finished>& ended);

}  // namespace nsgate::test
