// SPDX-License-Identifier: Apache-2.0
//
// The loopback interface of the calling thread's network namespace: the only one that needs no
// kernel module, so tests tell namespaces apart by what they did to it.
#pragma once

namespace nsgate::test {

/// Returns 0 or an errno.
int set_loopback_up();
/// Returns 0 or an errno. It must be down, as it is in a new namespace.
int rename_loopback(const char* name);

}  // namespace nsgate::test
