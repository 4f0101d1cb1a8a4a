// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/verdict.h"

#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>

#include "lab/base/plain_text.h"
#include "lab/verdict/gtest_xml.h"

namespace nsgate::lab {
namespace {

std::string seconds(std::chrono::milliseconds time) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  return whole == time ? std::to_string(whole.count()) + " s"
                       : std::to_string(time.count()) + " ms";
}

std::string signal_name(int signal) {
  const char* const abbreviation = ::sigabbrev_np(signal);
  return abbreviation != nullptr ? std::string("SIG") + abbreviation
                                 : "signal " + std::to_string(signal);
}

/// What the process did wrong, if it did.
std::optional<std::string> fault_of_process(const TestEnd& end, const Judgement& judgement) {
  if (end.stuck) return "its processes could not be killed";
  if (end.timed_out) return "no end within " + seconds(judgement.test_deadline);
  if (end.signaled) return "killed by " + signal_name(*end.signaled);
  if (end.exited != 0) return "exited with " + std::to_string(end.exited.value_or(-1));
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : "\n") + text;
  return all;
}

std::string last_line(const std::string& output) {
  const auto lines = non_empty_lines(output);
  return lines.empty() ? "it printed nothing" : "last line: " + std::string(lines.back());
}

/// GTEST_SKIP's message without the source location that GoogleTest puts on a line before it.
std::string_view without_location(std::string_view message) {
  const auto end = message.find('\n');
  if (end == std::string_view::npos) return message;
  const auto line = message.substr(0, end);
  const auto colon = line.rfind(':');
  const bool located =
      line == "unknown file" || (colon != std::string_view::npos && colon + 1 < line.size() &&
                                 line.find_first_not_of("0123456789", colon + 1) == line.npos);
  return located ? message.substr(end + 1) : message;
}

/// The requirement of a message of the form "needs <id>: <text>"; empty for any other message.
std::string needed(std::string_view line) {
  constexpr std::string_view needs = "needs ";
  const auto colon = line.find(": ");
  if (!line.starts_with(needs) || colon == std::string_view::npos) return {};
  const bool says_why = line.find_first_not_of(' ', colon + 1) != std::string_view::npos;
  return says_why ? std::string(line.substr(needs.size(), colon - needs.size())) : std::string();
}

void judge_skip(std::string_view message, const Judgement& judgement, TestResult& result) {
  const auto text = without_location(message);
  const auto line = text.substr(0, text.find('\n'));
  const auto id = needed(line);
  if (judgement.unmet.contains(id) || (judgement.any_need && !id.empty())) {
    result.status = Status::skip;
    result.reason = line;
  } else {
    result.status = Status::fail;
    result.reason = "skipped for a reason that the cell does not predict: " +
                    (text.empty() ? std::string("none was given") : std::string(text));
  }
}

}  // namespace

TestResult judge_test(const TestEnd& end, const Judgement& judgement) {
  TestResult result{.test = end.test,
                    .status = Status::fail,
                    .reason = {},
                    .behaviours = {},
                    .time = end.time,
                    .output = end.output};
  const auto report = parse_gtest_xml(end.xml, end.test);
  if (report) result.behaviours = report->behaviours;
  if (const auto fault = fault_of_process(end, judgement)) {
    // GoogleTest exits with 1 after a failure: then the failure is the news.
    if (report && !report->failures.empty()) {
      result.reason = joined(report->failures) + (end.exited == 1 ? "" : "\n" + *fault);
    } else {
      result.reason = *fault + "; " + last_line(end.output);
    }
  } else if (end.xml.empty()) {
    result.reason = "exited with 0 and left no report; " + last_line(end.output);
  } else if (!report) {
    result.reason = "its report " + report.error();
  } else if (!report->failures.empty()) {
    result.reason = joined(report->failures) + "\nand yet it exited with 0";
  } else if (report->skipped) {
    judge_skip(*report->skipped, judgement, result);
  } else if (!report->completed) {
    result.reason = "its report does not say that it ran";
  } else {
    result.status = Status::pass;
  }
  return result;
}

}  // namespace nsgate::lab
