// SPDX-License-Identifier: Apache-2.0
#include "lab/report/ktap.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "lab/base/plain_text.h"

namespace nsgate::lab {
namespace {

/// Names and reasons are one line, without the sign that begins a directive.
std::string one_line(const std::string& text) {
  auto line = plain_text(text.substr(0, text.find('\n')));
  std::ranges::replace(line, '#', '_');
  return line;
}

std::string directive(const TestResult& test) {
  const auto reason = one_line(test.reason);
  switch (test.status) {
    case Status::pass:
      return "";
    case Status::fail:
      return test.reason.starts_with("no end within") ? " # TIMEOUT " + reason : "";
    case Status::error:
    case Status::miss:
      return " # ERROR " + reason;
    case Status::skip:
      return " # SKIP " + reason;
  }
  return "";
}

std::string diagnostics(const std::string& text, const std::string& indent) {
  std::string lines;
  const auto plain = plain_text(text);
  for (const auto line : non_empty_lines(plain)) lines += indent + "# " + std::string(line) + '\n';
  return lines;
}

bool is_good(const CellResult& cell) {
  return cell.verdict.code == ExitCode::pass || cell.verdict.code == ExitCode::all_skipped;
}

bool is_ok(const TestResult& test) {
  return test.status == Status::pass || test.status == Status::skip;
}

std::string tests_of(const CellResult& cell, const std::string& indent) {
  const auto& tests = cell.verdict.tests;
  // A fault that is no test's, such as a panic between two, would otherwise leave only good lines.
  const bool own = !is_good(cell) && std::ranges::all_of(tests, is_ok);
  std::string text =
      fmt::format("{0}KTAP version 1\n{0}1..{1}\n", indent, tests.size() + (own ? 1 : 0));
  for (const auto& reason : cell.verdict.reasons) text += diagnostics(reason, indent);
  for (const auto& splat : cell.verdict.splats) text += diagnostics(splat.title, indent);
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const auto& test = tests[i];
    const bool ok = is_ok(test);
    if (!ok) text += diagnostics(test.reason, indent);
    text += fmt::format("{}{} {} {}{}\n", indent, ok ? "ok" : "not ok", i + 1, one_line(test.test),
                        directive(test));
  }
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
        "{} {} {}{}\n", is_good(cell) ? "ok" : "not ok", i + 1, one_line(name_of(cell.cell.spec)),
        cell.verdict.code == ExitCode::all_skipped ? " # SKIP every test was skipped" : "");
  }
  return text;
}

}  // namespace nsgate::lab
