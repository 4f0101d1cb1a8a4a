// SPDX-License-Identifier: Apache-2.0
#include "alone/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "lab/base/failure.h"
#include "nsgate/version.h"

namespace nsgate::alone {
namespace {

constexpr const char* footer =
    R"(Without options, every test runs, each in a process of its own, and what it did is undone. Some
need root, others a user without capabilities: run it as both. With any of GoogleTest's own options
(--gtest_filter=…) it is a GoogleTest program and takes no other.

Exit codes:
  0    a test passed, and none did worse than to be skipped
  1    a test failed, or --require or --forbid-skips was not met
  2    a test could not be run
  3    no results
  4    every test was skipped
  124  a test hung, and no other failed
  125  nothing was tested: unusable arguments, or a part of the program is missing
  130  interrupted; what was there is told)";

}  // namespace

bool is_for_googletest(int argc, char** argv) {
  return std::any_of(argv + std::min(argc, 1), argv + argc, [](std::string_view word) {
    return word.starts_with("--gtest_") || word.starts_with("--gmock_");
  });
}

std::expected<Options, int> read_options(int argc, char** argv) {
  Options options;
  int deadline = static_cast<int>(options.deadline.count());
  CLI::App app("Tests what this kernel and its policies make of entering network namespaces",
               "nsgate-tests");
  app.footer(footer);
  app.set_version_flag("--version", "nsgate-tests " NSGATE_VERSION);
  auto* const list =
      app.add_flag("--list-behaviours", options.list, "List the claims that the tests prove");
  auto* const check = app.add_flag("--check-catalogue", options.check,
                                   "Tell where the list and the tests disagree");
  auto* const behaviour =
      app.add_option("--behaviour", options.behaviours, "Run the tests of these claims: TR13,TR14")
          ->delimiter(',')
          ->type_name("ID");
  auto* const filter = app.add_option("--filter", options.filter,
                                      "Run the tests of these names: 'Exec*:Netns.*-*Law.*'");
  app.add_option("--deadline", deadline, "Seconds for one test (60)")->check(CLI::Range(1, 86400));
  auto* const require =
      app.add_option("--require", options.required,
                     "Fail unless each of these claims is proven: ids, or root, rootless or nested "
                     "for all that are proven by such a user")
          ->delimiter(',')
          ->type_name("ID");
  auto* const forbid =
      app.add_flag("--forbid-skips", options.forbid_skips, "Fail when a test is skipped");
  auto* const ktap =
      app.add_flag("--ktap", options.ktap, "Results on stdout as KTAP, as they come");
  // Without a file, CLI11 gives the option an empty text.
  std::string json;
  std::string junit;
  auto* const json_option =
      app.add_option("--json", json, "Results, or the list, as JSON, to a file or stdout")
          ->expected(0, 1)
          ->type_name("FILE");
  auto* const junit_option =
      app.add_option("--junit", junit, "Results as JUnit XML, to a file or stdout")
          ->expected(0, 1)
          ->type_name("FILE");
  app.add_flag("-v,--verbose", options.verbose, "Tell also of tests that pass and are skipped");
  for (auto* const other : {behaviour, filter, require, forbid, ktap, junit_option}) {
    list->excludes(other);
    check->excludes(other);
  }
  list->excludes(check);
  const auto at_most_one_on_stdout = [&] {
    const auto on_stdout = [](const CLI::Option* option, const std::string& file) {
      return option->count() > 0 && (file.empty() || file == "-");
    };
    if (options.ktap + on_stdout(json_option, json) + on_stdout(junit_option, junit) > 1) {
      throw CLI::ValidationError("only one of --ktap, --json and --junit can have stdout");
    }
  };
  try {
    app.parse(argc, argv);
    at_most_one_on_stdout();
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return std::unexpected(code == 0 ? 0 : static_cast<int>(lab::ExitCode::could_not_start));
  }
  options.deadline = std::chrono::seconds(deadline);
  if (json_option->count() > 0) options.json = json.empty() ? "-" : json;
  if (junit_option->count() > 0) options.junit = junit.empty() ? "-" : junit;
  return options;
}

}  // namespace nsgate::alone
