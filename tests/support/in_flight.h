// SPDX-License-Identifier: Apache-2.0
//
// A descriptor that is in nobody's table: it is in a message that was sent and not yet read.
//
//   const InFlight message(target.open("ns/net"));
//   const Fd netns = message.receive();
#pragma once

#include "nsgate/fd.h"

namespace nsgate::test {

/// Throws std::system_error.
class InFlight {
 public:
  explicit InFlight(const Fd& fd);
  /// REQUIRES: was not called before.
  Fd receive() const;

 private:
  Fd sender_;
  Fd receiver_;
};

}  // namespace nsgate::test
