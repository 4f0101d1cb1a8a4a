// SPDX-License-Identifier: Apache-2.0
#include "nsgate/words.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace nsgate::detail {
namespace {

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

/// The paths that execvp(3) would try. An empty PATH entry is the current directory.
std::vector<std::string> candidates(const std::string& name, const std::vector<char*>& envp) {
  if (name.empty() || name.find('/') != std::string::npos) return {name};
  constexpr std::string_view variable = "PATH=";
  std::string_view path = "/bin:/usr/bin";  // execvp(3), when PATH is unset
  for (const char* entry : envp) {
    if (entry != nullptr && std::string_view(entry).starts_with(variable)) {
      path = std::string_view(entry).substr(variable.size());
      break;
    }
  }
  std::vector<std::string> found;
  while (true) {
    const auto colon = path.find(':');
    const auto directory = path.substr(0, colon);
    found.push_back(directory.empty() ? name : std::string(directory) + '/' + name);
    if (colon == std::string_view::npos) return found;
    path.remove_prefix(colon + 1);
  }
}

}  // namespace

Result<Words> prepare(const Command& command) {
  const auto refuse = [](const std::string& why) {
    return std::unexpected(Error{Stage::exec, EINVAL, why});
  };
  if (command.argv.empty()) return refuse("of an empty command");
  Words words;
  for (const auto& word : command.argv) {
    if (has_nul(word)) return refuse(command.argv.front() + " with a NUL byte in an argument");
    words.argv.push_back(const_cast<char*>(word.c_str()));
  }
  words.argv.push_back(nullptr);
  if (command.env) {
    for (const auto& entry : *command.env) {
      if (has_nul(entry)) return refuse(command.argv.front() + " with a NUL byte in a variable");
      words.envp.push_back(const_cast<char*>(entry.c_str()));
    }
  } else {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      words.envp.push_back(*entry);
    }
  }
  words.envp.push_back(nullptr);
  words.programs = candidates(command.argv.front(), words.envp);
  for (const auto& program : words.programs) words.program_pointers.push_back(program.c_str());
  words.program_pointers.push_back(nullptr);
  return words;
}

}  // namespace nsgate::detail
