// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/cell_verdict.h"

#include <algorithm>
#include <array>

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

std::string with_last_words(const std::string& what, const KernelLog& kernel) {
  return what + (kernel.last_words.empty() ? "\nthe console is empty"
                                           : "\nlast console line: " + kernel.last_words);
}

/// Why the guest's word cannot be taken as complete; nothing when it can.
std::optional<Failure> fault_of_guest(const CellEvidence& evidence) {
  const auto& [tests, reader, kernel, ended_by_lab, qemu_fault] = evidence;
  if (ended_by_lab) {
    return Failure{ended_by_lab->code, with_last_words(ended_by_lab->message, kernel)};
  }
  std::string broken = qemu_fault.value_or("");
  if (reader.error()) broken += (broken.empty() ? "" : "\n") + *reader.error();
  // A panic ends a guest without a bye, and is the better reason of the two.
  if (broken.empty() && !reader.complete() && kernel.panic.empty()) {
    broken = "the guest ended without a bye";
  }
  if (!broken.empty()) return Failure{ExitCode::infrastructure, with_last_words(broken, kernel)};
  if (!kernel.to_the_end && kernel.panic.empty()) {
    const auto cut =
        "the console was not kept to its end, so that a broken kernel would go unseen: is the disk "
        "full, or the kernel built without CONFIG_SERIAL_8250_CONSOLE?";
    return Failure{ExitCode::infrastructure, with_last_words(cut, kernel)};
  }
  return std::nullopt;
}

/// The result of a test that has no end: `fault` stopped it, or a panic, or it never started.
TestResult unfinished(const std::string& test, bool running, const CellEvidence& evidence,
                      const std::optional<Failure>& fault) {
  TestResult result;
  result.test = test;
  if (!running) {
    result.reason = "never ran";
  } else if (!evidence.kernel.panic.empty()) {
    result.status = Status::fail;
    result.reason = evidence.kernel.panic;
  } else {
    result.status = Status::error;
    const auto why = fault ? fault->message : "the guest ended";
    result.reason = "was running when: " + why.substr(0, why.find('\n'));
  }
  return result;
}

}  // namespace

CellVerdict judge_cell(const CellEvidence& evidence, const Judgement& judgement) {
  const auto& ended = evidence.reader.ended();
  const bool any_started = !ended.empty() || evidence.reader.running() != nullptr;
  const auto fault = fault_of_guest(evidence);

  CellVerdict verdict;
  for (std::size_t i = 0; i < evidence.tests.size(); ++i) {
    const bool running = i == ended.size() && evidence.reader.running() != nullptr;
    verdict.tests.push_back(i < ended.size()
                                ? judge_test(ended[i], judgement)
                                : unfinished(evidence.tests[i], running, evidence, fault));
  }

  std::vector<ExitCode> codes = {code_of(verdict.tests)};
  // Before the first test, a broken kernel says that there is no verdict, not that a test failed.
  const auto kernel_fault = any_started ? ExitCode::fail : ExitCode::infrastructure;
  if (!evidence.kernel.panic.empty()) {
    codes.push_back(kernel_fault);
    // The test that was running carries it already.
    if (evidence.reader.running() == nullptr) verdict.reasons.push_back(evidence.kernel.panic);
  }
  for (const auto& splat : evidence.kernel.splats) {
    codes.push_back(kernel_fault);
    verdict.reasons.push_back("the kernel said: " + splat);
  }
  if (fault) {
    codes.push_back(fault->code);
    verdict.reasons.push_back(fault->message);
  }
  // Tests that a fault kept from running are no second verdict beside the fault.
  if (fault && codes.front() != ExitCode::fail) codes.erase(codes.begin());
  verdict.code = gravest(codes);
  return verdict;
}

CellVerdict nothing_ran(const std::vector<std::string>& tests, const Failure& failure) {
  CellVerdict verdict{.code = failure.code, .reasons = {failure.message}, .tests = {}};
  for (const auto& test : tests) {
    verdict.tests.push_back(TestResult{test, Status::miss, "never ran", {}, {}, {}});
  }
  return verdict;
}

ExitCode gravest(const std::vector<ExitCode>& codes) {
  using enum ExitCode;
  for (const auto code : {fail, deadline, infrastructure, no_results, could_not_start}) {
    if (std::ranges::find(codes, code) != codes.end()) return code;
  }
  if (codes.empty()) return no_results;
  return std::ranges::find(codes, all_skipped) != codes.end() ? all_skipped : pass;
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
  }
  return "?";
}

}  // namespace nsgate::lab
