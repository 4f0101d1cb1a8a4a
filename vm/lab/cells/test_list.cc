// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/test_list.h"

#include <chrono>
#include <sstream>
#include <string_view>

#include "lab/base/could_not_start.h"
#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

constexpr std::chrono::seconds list_deadline{30};

/// The name on a line without its comment, such as "  # GetParam() = 3".
std::string_view name_on(std::string_view line) {
  line = line.substr(0, line.find("  # "));
  const auto begin = line.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view{} : line.substr(begin);
}

/// GoogleTest's own rule for suites and for tests ("DISABLED_*:*/DISABLED_*").
bool is_disabled(std::string_view name) {
  return name.starts_with("DISABLED_") || name.find("/DISABLED_") != std::string_view::npos;
}

}  // namespace

Expected<std::vector<std::string>> list_tests(const std::filesystem::path& program,
                                              const std::string& filter) {
  const auto failure = [&program](const std::string& reason) {
    return could_not_start("cannot list the tests of " + program.string() + ": " + reason);
  };
  ProcessOptions list;
  list.argv = {std::filesystem::absolute(program).string(), "--gtest_list_tests",
               "--gtest_filter=" + filter};
  const auto listed = run(list, list_deadline);
  if (!listed) return failure(listed.error().message);
  if (!listed->ok()) return failure("it failed: " + listed->err + listed->out);

  std::vector<std::string> tests;
  std::string suite;
  std::istringstream lines(listed->out);
  for (std::string line; std::getline(lines, line);) {
    const auto name = name_on(line);
    if (!line.starts_with(' ') && name.ends_with('.') && !name.contains(' ')) {
      suite = name;
    } else if (suite.empty()) {
      continue;  // what main() says before GoogleTest has its turn
    } else if (!line.starts_with("  ") || name.empty() || name.contains(' ')) {
      return failure("a line that is no test: " + line);
    } else if (!is_disabled(suite) && !is_disabled(name)) {
      tests.push_back(suite + std::string(name));
    }
  }
  if (tests.empty()) return failure("no test matches the filter \"" + filter + "\"");
  return tests;
}

}  // namespace nsgate::lab
