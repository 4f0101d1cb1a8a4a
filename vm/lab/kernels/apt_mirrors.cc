// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/apt_mirrors.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ranges>
#include <string_view>
#include <vector>

#include "lab/base/could_not_start.h"
#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

/// Only how the network is reached. The rest of the machine's
/// configuration stays out, above all the hooks that run after an update
/// (APT::Update::Post-Invoke).
bool is_about_transport(std::string_view line) {
  constexpr std::array wanted{"Acquire::http",      "Acquire::https",     "Acquire::Retries",
                              "Acquire::ForceIPv4", "Acquire::ForceIPv6", "Acquire::Check-Date"};
  return std::ranges::any_of(wanted, [&](std::string_view key) {
    return line.starts_with(key) && line.size() > key.size() &&
           (line[key.size()] == ' ' || line[key.size()] == ':');
  });
}

Expected<std::string> ask(std::vector<std::string> argv) {
  const std::string command = argv[0] + " " + argv[1];
  const auto answer = run({.argv = std::move(argv),
                           .extra_env = {"LC_ALL=C.UTF-8"},
                           .stderr_file = {},
                           .working_directory = {}});
  if (!answer) {
    return could_not_start(answer.error().message +
                           "; Debian's kernels are fetched with apt: install it, or give a bzImage "
                           "of your own by its path");
  }
  if (!answer->ok()) return could_not_start(command + " failed: " + answer->err);
  return answer->out;
}

/// What stands in sources.list must be one word, or it could say more than a place.
Expected<void> take_from_environment(const char* variable, std::string& uri) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return {};
  const std::string_view text(value);
  if (text.find(':') == text.npos || text.find_first_of(" \t\n[]#") != text.npos) {
    return could_not_start(std::string(variable) + " is no URI: " + value);
  }
  uri = text;
  return {};
}

}  // namespace

Expected<AptMirrors> AptMirrors::of_this_machine() {
  AptMirrors mirrors;
  const auto configuration = ask({"apt-config", "dump"});
  if (!configuration) return std::unexpected(configuration.error());
  for (const auto line : *configuration | std::views::split('\n')) {
    const std::string_view text(line.begin(), line.end());
    if (is_about_transport(text)) mirrors.transport += std::string(text) + "\n";
  }

  // ORIGIN and LABEL come from the archive's own Release file, so a third party's "bookworm" is
  // not mistaken for Debian's.
  const auto targets = ask({"apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
                            "Created-By: Packages"});
  if (!targets) return std::unexpected(targets.error());
  for (const auto line : *targets | std::views::split('\n')) {
    const std::string_view text(line.begin(), line.end());
    constexpr std::string_view main = "Debian|Debian|";
    constexpr std::string_view security = "Debian|Debian-Security|";
    if (text.starts_with(main) && mirrors.main.empty()) mirrors.main = text.substr(main.size());
    if (text.starts_with(security) && mirrors.security.empty()) {
      mirrors.security = text.substr(security.size());
    }
  }

  for (const auto& taken : {take_from_environment("NSGATE_MIRROR", mirrors.main),
                            take_from_environment("NSGATE_SECURITY_MIRROR", mirrors.security)}) {
    if (!taken) return std::unexpected(taken.error());
  }
  return mirrors;
}

}  // namespace nsgate::lab
