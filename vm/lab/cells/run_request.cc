// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/run_request.h"

#include <algorithm>
#include <cctype>

#include "lab/profiles/profile.h"

namespace nsgate::lab {
namespace {

std::string quoted(const std::string& word) {
  const auto harmless = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./:=+,@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, harmless)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string command_line(const std::string& nsgate, const RunRequest& request,
                         const std::string& kernel, frame::User user) {
  const auto path = [](const std::filesystem::path& file) {
    return std::filesystem::absolute(file).lexically_normal().string();
  };
  const auto seconds = [](std::chrono::seconds time) { return std::to_string(time.count()); };
  const bool own_image = kernel.find('/') != std::string::npos;
  std::vector<std::string> words = {nsgate,      "run",
                                    "--kernel",  own_image ? path(kernel) : kernel,
                                    "--user",    std::string(to_string(user)),
                                    "--payload", path(request.payload.program)};
  for (const auto& carried : request.payload.carried) {
    words.insert(words.end(), {"--carry", path(carried)});
  }
  if (request.profile != default_profile) {
    words.insert(words.end(), {"--profile", request.profile});
  }
  words.insert(words.end(),
               {"--filter", request.filter, "--cell-deadline", seconds(request.deadlines.cell),
                "--test-deadline", seconds(request.deadlines.test)});
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + quoted(word);
  return line;
}

}  // namespace nsgate::lab
