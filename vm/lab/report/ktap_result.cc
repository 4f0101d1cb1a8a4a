// SPDX-License-Identifier: Apache-2.0
#include "lab/report/ktap_result.h"

#include <algorithm>

#include "lab/base/plain_text.h"

namespace nsgate::lab {
namespace {

std::string directive(const TestResult& test) {
  const auto reason = ktap_line(test.reason);
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

}  // namespace

std::string ktap_result(const TestResult& test, std::size_t number, const std::string& indent) {
  const bool ok = is_ktap_ok(test);
  return (ok ? "" : ktap_diagnostics(test.reason, indent)) + indent + (ok ? "ok " : "not ok ") +
         std::to_string(number) + ' ' + ktap_line(test.test) + directive(test) + '\n';
}

std::string ktap_diagnostics(const std::string& text, const std::string& indent) {
  std::string lines;
  const auto plain = plain_text(text);
  for (const auto line : non_empty_lines(plain)) lines += indent + "# " + std::string(line) + '\n';
  return lines;
}

std::string ktap_line(const std::string& text) {
  auto line = plain_text(text.substr(0, text.find('\n')));
  std::ranges::replace(line, '#', '_');
  return line;
}

bool is_ktap_ok(const TestResult& test) {
  return test.status == Status::pass || test.status == Status::skip;
}

}  // namespace nsgate::lab
