// SPDX-License-Identifier: Apache-2.0
//
// The rule by which a line of the kernel's log begins a report of something broken in the kernel (a
// splat): a warning, an oops, a finding of a sanitizer, a stall.
//
// Shared by init, which retires a guest after one, and the lab, which judges by them. Thread-safe.
#pragma once

#include <string_view>

namespace nsgate::frame {

inline constexpr std::string_view cut_here = "------------[ cut here ]------------";
inline constexpr std::string_view panic_start = "Kernel panic - not syncing";

/// `message` is one line without printk's stamps. What only contains such words begins none:
/// "traps: a.out[7] general protection fault" is a user's program that crashed.
bool starts_splat(std::string_view message);

/// What init writes into the kernel's log before and after each test, so that a splat can be
/// attributed to one: "nsgate: start InNetns.Returns", "nsgate: end InNetns.Returns".
inline constexpr std::string_view start_mark = "nsgate: start ";
inline constexpr std::string_view end_mark = "nsgate: end ";

/// Init's last words where threads print the kernel's log, and the kernel's own come too late.
inline constexpr std::string_view last_mark = "nsgate: last words, printed by a thread";

}  // namespace nsgate::frame
