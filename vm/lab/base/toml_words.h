// SPDX-License-Identifier: Apache-2.0
//
// A list of words in a TOML file, such as `packages = ["iproute2", "libc6"]`.
//
//   const auto packages = toml_words(table.get("packages"));   // none of them is empty
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>
#include <vector>

namespace nsgate::lab {

/// No words where there is no node; nothing where the node is anything but a list of words.
/// Thread-safe.
std::optional<std::vector<std::string>> toml_words(const toml::node* node);

}  // namespace nsgate::lab
