// SPDX-License-Identifier: Apache-2.0
//
// A cell as a user names it: one value of each factor of the matrix.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "frame/plan.h"
#include "lab/base/failure.h"
#include "lab/profiles/profile.h"
#include "lab/userlands/userland.h"

namespace nsgate::lab {

inline constexpr const char* default_userland = no_userland;
inline constexpr const char* default_payload = "tests";

/// Every `of`-th test, beginning with the `index`-th, which counts from 1.
struct Shard {
  std::size_t index = 1;
  std::size_t of = 1;
  friend bool operator==(const Shard&, const Shard&) = default;
};

struct CellSpec {
  std::string kernel;  ///< a name of kernels.toml, or a path
  frame::User user = frame::User::root;
  std::string userland = default_userland;  ///< a name of userlands.toml, or a path
  std::string profile = default_profile;
  std::string payload = default_payload;  ///< a name of payloads.toml, or a path
  Shard shard{};
  /// GoogleTest's; empty: what the run and the profile say.
  std::string filter{};
  /// "NAME=value" each, for the tests.
  std::vector<std::string> environment{};
  friend bool operator==(const CellSpec&, const CellSpec&) = default;
};

/// "6.1-root", "6.1-root-hidepid-2-trixie-2of3": what is default is left out. Names the cell's
/// folder: only letters, digits and `._-`.
std::string name_of(const CellSpec& spec);

/// The options of `nsgate run` that select this cell alone: {"--kernel", "6.1", "--user", "root"}.
std::vector<std::string> selectors_of(const CellSpec& spec);

/// Fails with could_not_start unless it is "NAME=value", on one line.
Expected<void> check_variable(const std::string& variable);

/// A shard of tests, in their order.
std::vector<std::string> shard_of(const std::vector<std::string>& tests, Shard shard);

}  // namespace nsgate::lab
