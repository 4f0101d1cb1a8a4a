// SPDX-License-Identifier: Apache-2.0
//
// What the command line asks to enter.
#pragma once

#include <optional>

#include "nsgate/join.h"
#include "nsgate/target.h"

namespace nsgate::enter {

struct Request {
  Target net;
  UserTarget both;  ///< the same with its user namespace
  /// Nothing: the network namespace only.
  std::optional<Plan> plan;
};

}  // namespace nsgate::enter
