// SPDX-License-Identifier: Apache-2.0
//
// Fewer capabilities for the calling thread, or all that it may have.
#pragma once

#include "model/operation.h"

namespace nsgate::model {

/// Kind::drop or Kind::raise. Returns 0 or an errno.
int change_capabilities(const Step& step);

}  // namespace nsgate::model
