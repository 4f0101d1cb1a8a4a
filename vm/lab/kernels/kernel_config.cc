// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <ranges>
#include <sstream>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view prefix = "CONFIG_";

bool is_option(std::string_view text) {
  return text.starts_with(prefix) && text.size() > prefix.size() &&
         std::ranges::all_of(text, [](unsigned char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

}  // namespace

Expected<KernelConfig> KernelConfig::load(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  // A folder can be opened and not read.
  if (!in || !text) {
    return could_not_start("cannot read the kernel's config " + file.string() + ": " +
                           std::strerror(errno));
  }
  return parse(text.view(), file.string());
}

Expected<KernelConfig> KernelConfig::parse(std::string_view text, const std::string& name) {
  KernelConfig config;
  std::size_t number = 0;
  for (const auto part : text | std::views::split('\n')) {
    std::string_view line(part.begin(), part.end());
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    const auto option = line.substr(0, equals);
    if (equals == line.npos || !is_option(option)) {
      return could_not_start(name + ":" + std::to_string(number) +
                             ": no line of a kernel's .config, where each is CONFIG_NAME=value or "
                             "a comment; give the .config that the kernel was built with");
    }
    const auto value = line.substr(equals + 1);
    // The last one counts, as for make; n is what some tools write for "is not set".
    config.values_.insert_or_assign(std::string(option), value == "n" ? "" : std::string(value));
  }
  if (config.values_.empty()) {
    return could_not_start(name +
                           " sets no CONFIG_ option: give the .config that the kernel was "
                           "built with");
  }
  return config;
}

KernelConfig::State KernelConfig::state(std::string_view option) const {
  const auto found = values_.find(option);
  if (found == values_.end() || found->second.empty()) return State::absent;
  return found->second == "m" ? State::module : State::built_in;
}

std::string KernelConfig::value(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::string() : found->second;
}

std::vector<std::string> missing_options(const KernelConfig& config,
                                         const std::vector<std::string>& needs) {
  std::vector<std::string> missing;
  std::ranges::copy_if(needs, std::back_inserter(missing), [&](const std::string& need) {
    return config.state(need) == KernelConfig::State::absent;
  });
  return missing;
}

}  // namespace nsgate::lab
