// SPDX-License-Identifier: Apache-2.0
//
// What the lab asks of a guest: a text file in the initramfs, which only PID 1 may read, because it
// holds the nonce of the frames. One setting a line, a word, a blank, a value:
//
//   nonce 6f1d…
//   user rootless
//   test_deadline_ms 45000
//   module /nsgate/modules/00-dummy.ko
//   setting sysctl kernel.yama.ptrace_scope=1
//   environment NSGATE_SEQUENCES=5000
//   program /payload/nsgate_tests
//   test InNetns.Returns
//
// Instead of tests there may be a shell for a person, on the console, and what its terminal is:
// rows, columns and type:
//
//   shell /payload/busybox sh
//   terminal 24 80 xterm-256color
//
// Modules are loaded and settings applied in the order given, before the first test; the tests run
// in the order given, each in a process of its own.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nsgate::frame {

/// Where the plan lies in the guest.
inline constexpr const char* plan_path = "/nsgate/plan";

/// Who runs the tests: uid 0 with all capabilities; uid 1000 without any; or uid 0 of a user
/// namespace that uid 1000 owns, as in a rootless container.
enum class User { root, rootless, nested };
inline constexpr std::array users{User::root, User::rootless, User::nested};
inline constexpr int rootless_id = 1000;  ///< uid and gid of User::rootless, and of nested outside

/// One line of a profile: what kind of knob ("sysctl", "hidepid", "seccomp") and what to set. What
/// kinds there are is known to the guest alone (guest/profile.cc); it refuses any other.
struct Setting {
  std::string kind;
  std::string value;
  friend bool operator==(const Setting&, const Setting&) = default;
};

/// Of the person in front of the host; without rows or columns the size is not known.
struct Terminal {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  std::string type = "dumb";  ///< as in TERM
  friend bool operator==(const Terminal&, const Terminal&) = default;
};

struct Plan {
  std::string nonce;
  User user = User::root;
  std::chrono::milliseconds test_deadline{45000};
  std::vector<std::string> modules{};      ///< files of the guest, in the order to load them
  std::vector<Setting> settings{};         ///< the profile
  std::vector<std::string> environment{};  ///< "NAME=value" each, of the tests
  std::string program;                     ///< a GoogleTest program, as the guest sees it
  std::vector<std::string> tests;          ///< full names, "Suite.Name"
  std::string shell{};                     ///< a program and its arguments, parted by blanks
  Terminal terminal{};                     ///< of the shell
  friend bool operator==(const Plan&, const Plan&) = default;
};

std::string_view to_string(User user);
std::optional<User> user_of(std::string_view word);
std::string encode(const Plan& plan);
/// The error names the line that is wrong.
std::expected<Plan, std::string> parse_plan(std::string_view text);

}  // namespace nsgate::frame
