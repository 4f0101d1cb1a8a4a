// SPDX-License-Identifier: Apache-2.0
//
// Where this machine gets Debian from, as its own APT configuration says.
//
//   auto mirrors = AptMirrors::of_this_machine();
//   mirrors->main;   // the URI that "bookworm" and "sid" lie under
//
// NSGATE_MIRROR and NSGATE_SECURITY_MIRROR go before what the machine says: they serve machines
// that are no Debian, and tests.
#pragma once

#include <string>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct AptMirrors {
  std::string main;       ///< URI of Debian's archive; empty when the machine names none
  std::string security;   ///< URI of Debian's security archive; empty when the machine names none
  std::string transport;  ///< lines of apt.conf: proxies, timeouts, what is made of an old mirror

  /// Fails with could_not_start when there is no APT here, or a variable holds no URI. Thread-safe
  /// as long as nobody changes the environment.
  static Expected<AptMirrors> of_this_machine();
};

}  // namespace nsgate::lab
