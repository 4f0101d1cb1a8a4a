// SPDX-License-Identifier: Apache-2.0
//
// A caller without /proc.
#pragma once

namespace nsgate::test {

/// For a child with CAP_SYS_ADMIN: leaves for a mount namespace of its own where /proc is empty.
/// Returns 0 or an errno.
int hide_proc();

}  // namespace nsgate::test
