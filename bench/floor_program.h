// SPDX-License-Identifier: Apache-2.0
//
// The floor of the exec strategy: the C library's own way to start the same program with the same
// capture, and no namespace.
#pragma once

#include <string>

namespace nsgate::bench {

/// A static program that does nothing; it lies beside the benchmarks.
std::string nothing();

/// Runs it by posix_spawn(3), with /dev/null as stdin and stdout and stderr in pipes that are read
/// to their end. Returns 0, or an errno, or ECHILD when it did not exit with 0.
int spawn_with_capture(const std::string& program);

}  // namespace nsgate::bench
