// SPDX-License-Identifier: Apache-2.0
//
// One kind of setting of a profile, and how it is put into effect.
//
//   constexpr Knob sysctl{.kind = "sysctl", .prepare = &set_sysctl, .confine = nullptr};
//
// A knob that the kernel lacks is told from one that does not take. The first makes the profile
// unavailable; the second is a fault of ours or of the kernel's, and init gives up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsgate::guest {

/// Why the kernel cannot do it: "kernel.yama.ptrace_scope: no such sysctl". Nothing when it can.
using Lacking = std::optional<std::string>;

/// What kept a test from being confined, with its errno or 0 in errno: a literal, which a child and
/// its parent have at the same address. Null when nothing did.
using FailedStep = const char*;

struct Knob {
  std::string_view kind;
  /// In init, once: sets what is the machine's and verifies it, or finds out whether the kernel can
  /// do what `confine` wants. Gives up when it does not take, or when the value makes no sense.
  Lacking (*prepare)(const std::string& value);
  /// In each test's process, still as root, before it becomes its user and executes: sets what is a
  /// process's and verifies it. Null for a knob of the machine.
  FailedStep (*confine)(const std::string& value);
};

/// A value "key=text" taken apart; init gives up on any other.
struct KeyAndText {
  std::string key;
  std::string text;
};
KeyAndText key_and_text(std::string_view kind, const std::string& value);

}  // namespace nsgate::guest
