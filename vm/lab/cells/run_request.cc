// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/run_request.h"

#include <sstream>

#include "lab/base/shell_quoted.h"
#include "lab/profiles/profile.h"

namespace nsgate::lab {

std::string quoted_for_shell(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
  return line;
}

namespace {

/// A kernel may be several packages with commas between.
std::string absolute_each(const std::string& paths) {
  std::string all;
  std::istringstream list(paths);
  for (std::string one; std::getline(list, one, ',');) {
    all += (all.empty() ? "" : ",") + std::filesystem::absolute(one).lexically_normal().string();
  }
  return all;
}

}  // namespace

std::string command_line(const std::string& nsgate, const RunRequest& request,
                         const CellSpec& cell) {
  const auto path = [](const std::filesystem::path& file) {
    return std::filesystem::absolute(file).lexically_normal().string();
  };
  const auto seconds = [](std::chrono::seconds time) { return std::to_string(time.count()); };
  auto spec = cell;
  // What holds a slash is a path of the user's own.
  for (auto* const value : {&spec.userland, &spec.payload}) {
    if (value->contains('/')) *value = path(*value);
  }
  if (spec.kernel.contains('/')) spec.kernel = absolute_each(spec.kernel);
  if (!request.filter.empty()) spec.filter = request.filter;
  std::vector<std::string> words = {nsgate, "run"};
  const auto selectors = selectors_of(spec);
  words.insert(words.end(), selectors.begin(), selectors.end());
  for (const auto& carried : request.carried) {
    words.insert(words.end(), {"--carry", path(carried)});
  }
  if (!request.own.modules.empty()) {
    words.insert(words.end(), {"--modules", path(request.own.modules)});
  }
  if (!request.own.config.empty()) {
    words.insert(words.end(), {"--config", path(request.own.config)});
  }
  words.insert(words.end(), {"--cell-deadline", seconds(request.deadlines.cell), "--test-deadline",
                             seconds(request.deadlines.test)});
  return quoted_for_shell(words);
}

}  // namespace nsgate::lab
