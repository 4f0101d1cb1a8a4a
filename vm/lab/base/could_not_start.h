// SPDX-License-Identifier: Apache-2.0
//
// The failure that says: nothing was tested.
//
//   if (!entry) return could_not_start("no kernel is named 6.2; write ./6.2 for a file");
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Converts to any Expected. The message names the thing and the remedy.
inline std::unexpected<Failure> could_not_start(std::string message) {
  return std::unexpected(Failure{ExitCode::could_not_start, std::move(message)});
}

}  // namespace nsgate::lab
