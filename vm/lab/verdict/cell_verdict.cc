// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/cell_verdict.h"

#include <algorithm>

namespace nsgate::lab {
namespace {

/// The code that the results of the tests alone ask for.
ExitCode code_of(const std::vector<TestResult>& tests) {
  const auto count = [&tests](Status status) {
    return static_cast<std::size_t>(std::ranges::count(tests, status, &TestResult::status));
  };
  if (count(Status::fail) > 0) return ExitCode::fail;
  if (count(Status::error) > 0) return ExitCode::infrastructure;
  if (count(Status::miss) == tests.size()) return ExitCode::no_results;
  if (count(Status::miss) > 0) return ExitCode::infrastructure;
  return count(Status::skip) == tests.size() ? ExitCode::all_skipped : ExitCode::pass;
}

}  // namespace

CellVerdict judge_cell(const std::vector<std::string>& tests,
                       const std::vector<JudgedGuest>& guests,
                       const std::optional<Failure>& stopped) {
  CellVerdict cell;
  cell.guests = guests.size();
  for (const auto& test : tests) {
    cell.tests.push_back(TestResult{test, Status::miss, "never ran", {}, {}, {}});
  }
  std::vector<ExitCode> faults;
  for (std::size_t i = 0; i < guests.size(); ++i) {
    const auto& [first, verdict] = guests[i];
    std::ranges::copy(verdict.tests, cell.tests.begin() + static_cast<std::ptrdiff_t>(first));
    std::ranges::copy(verdict.splats, std::back_inserter(cell.splats));
    std::ranges::copy(verdict.faults, std::back_inserter(faults));
    const auto which = guests.size() == 1 ? "" : "guest " + std::to_string(i + 1) + ": ";
    for (const auto& reason : verdict.reasons) cell.reasons.push_back(which + reason);
    // The tests before it ran in the very same cell.
    if (i > 0 && verdict.unavailable) {
      faults.push_back(ExitCode::infrastructure);
      cell.reasons.push_back(which + "unavailable, although guest 1 was not");
    }
  }
  if (stopped) {
    faults.push_back(stopped->code);
    cell.reasons.push_back(stopped->message);
  }
  const auto code = code_of(cell.tests);
  // Tests that a fault kept from running are no second verdict beside the fault.
  if (faults.empty() || code == ExitCode::fail) faults.push_back(code);
  cell.code = gravest(faults);
  return cell;
}

CellVerdict nothing_ran(const std::vector<std::string>& tests, const Failure& failure) {
  auto cell = judge_cell(tests, {});
  cell.code = failure.code;
  cell.reasons = {failure.message};
  return cell;
}

CellVerdict all_skipped(const std::vector<std::string>& tests, const std::string& reason) {
  auto cell = judge_cell(tests, {});
  for (auto& test : cell.tests) {
    test.status = Status::skip;
    test.reason = reason;
  }
  cell.code = ExitCode::all_skipped;
  return cell;
}

ExitCode gravest(const std::vector<ExitCode>& codes) {
  using enum ExitCode;
  for (const auto code :
       {interrupted, fail, deadline, infrastructure, no_results, could_not_start}) {
    if (std::ranges::find(codes, code) != codes.end()) return code;
  }
  if (codes.empty()) return no_results;
  return std::ranges::find(codes, pass) != codes.end() ? pass : all_skipped;
}

bool may_be_the_accelerator(const CellVerdict& cell) {
  const bool broke = cell.code == ExitCode::infrastructure || cell.code == ExitCode::no_results;
  return broke && std::ranges::all_of(cell.splats,
                                      [](const Splat& splat) { return !splat.allowed.empty(); });
}

std::string_view to_string(ExitCode code) {
  switch (code) {
    case ExitCode::pass:
      return "pass";
    case ExitCode::fail:
      return "fail";
    case ExitCode::infrastructure:
      return "infrastructure";
    case ExitCode::no_results:
      return "no results";
    case ExitCode::all_skipped:
      return "all skipped";
    case ExitCode::deadline:
      return "deadline";
    case ExitCode::could_not_start:
      return "could not start";
    case ExitCode::interrupted:
      return "interrupted";
  }
  return "?";
}

}  // namespace nsgate::lab
