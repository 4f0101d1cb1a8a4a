// SPDX-License-Identifier: Apache-2.0
//
// What a kernel was configured with, as its .config says.
//
//   auto config = KernelConfig::load("/boot/config-6.1.0-9-amd64");
//   config->state("CONFIG_VETH");                       // KernelConfig::State::module
//   missing_options(*config, {"CONFIG_USER_NS"});       // {} when the kernel has it
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// Immutable, so thread-safe.
class KernelConfig {
 public:
  enum class State {
    absent,    ///< "# CONFIG_X is not set", or not mentioned because what it depends on is not set
    module,    ///< m
    built_in,  ///< y, or a value (CONFIG_HZ=250)
  };

  /// Fails with could_not_start, naming the file, and the line that no .config has.
  static Expected<KernelConfig> load(const std::filesystem::path& file);
  /// The same for a text; `name` stands in messages.
  static Expected<KernelConfig> parse(std::string_view text, const std::string& name);

  State state(std::string_view option) const;
  /// As it stands behind the "=", quotes included; empty when absent.
  std::string value(std::string_view option) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// Those of `needs` ("CONFIG_USER_NS") that are neither y nor m nor a value, in their order.
std::vector<std::string> missing_options(const KernelConfig& config,
                                         const std::vector<std::string>& needs);

}  // namespace nsgate::lab
