// SPDX-License-Identifier: Apache-2.0
#include "lab/report/ktap.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "lab/report/ktap_result.h"

namespace nsgate::lab {
namespace {

bool is_good(const CellResult& cell) {
  return cell.verdict.code == ExitCode::pass || cell.verdict.code == ExitCode::all_skipped;
}

std::string tests_of(const CellResult& cell, const std::string& indent) {
  const auto& tests = cell.verdict.tests;
  // A fault that is no test's, such as a panic between two, would otherwise leave only good lines.
  const bool own = !is_good(cell) && std::ranges::all_of(tests, is_ktap_ok);
  std::string text =
      fmt::format("{0}KTAP version 1\n{0}1..{1}\n", indent, tests.size() + (own ? 1 : 0));
  for (const auto& reason : cell.verdict.reasons) text += ktap_diagnostics(reason, indent);
  for (const auto& splat : cell.verdict.splats) text += ktap_diagnostics(splat.title, indent);
  for (std::size_t i = 0; i < tests.size(); ++i) text += ktap_result(tests[i], i + 1, indent);
  if (own) {
    text += fmt::format("{}not ok {} cell\n", indent, tests.size() + 1);
  }
  return text;
}

}  // namespace

std::string ktap(const CellResult& cell) { return tests_of(cell, ""); }

std::string ktap(const RunResult& run) {
  std::string text = fmt::format("KTAP version 1\n1..{}\n", run.cells.size());
  for (std::size_t i = 0; i < run.cells.size(); ++i) {
    const auto& cell = run.cells[i];
    text += tests_of(cell, "  ");
    text += fmt::format(
        "{} {} {}{}\n", is_good(cell) ? "ok" : "not ok", i + 1, ktap_line(name_of(cell.cell.spec)),
        cell.verdict.code == ExitCode::all_skipped ? " # SKIP every test was skipped" : "");
  }
  return text;
}

}  // namespace nsgate::lab
