// SPDX-License-Identifier: Apache-2.0
#include "nsgate/version.h"

namespace nsgate {

const char* version() noexcept { return NSGATE_VERSION; }

}  // namespace nsgate
