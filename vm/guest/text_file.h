// SPDX-License-Identifier: Apache-2.0
//
// The small files by which the kernel is set and asked.
//
//   if (const int error = write_text("/proc/sys/fs/suid_dumpable", "1"); error != 0) …
//
// What lies in /proc is found by way of a descriptor, so that it works when the tests have no /proc
// any more (profile no-proc). Errors are errnos. Not thread-safe.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace nsgate::guest {

/// Opens /proc for the life of init; gives up when it cannot. Before this, and before a mount hides
/// /proc, the other two functions need it as everyone does.
void keep_proc();

/// The descriptor of /proc, without access by itself (O_PATH), or -1 before keep_proc().
int kept_proc();

/// A descriptor of its own, or an errno.
std::expected<int, int> open_text(const std::string& path, int flags);

std::expected<std::string, int> read_bytes(const std::string& path);

/// Without the newline at its end.
std::expected<std::string, int> read_text(const std::string& path);

/// In one write, as these files want it. 0 or an errno.
int write_text(const std::string& path, std::string_view text);

}  // namespace nsgate::guest
