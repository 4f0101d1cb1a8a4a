// SPDX-License-Identifier: Apache-2.0
#include "lab/report/junit_result.h"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace nsgate::lab {

std::string junit_text(const std::string& text) {
  std::string cleaned = text;
  std::ranges::replace_if(
      cleaned, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f; },
      '?');
  return cleaned;
}

std::string junit_seconds(std::chrono::microseconds time) {
  std::ostringstream text;
  text << std::fixed << std::chrono::duration<double>(time).count();
  return std::move(text).str();
}

void add_junit_outcome(pugi::xml_node& testcase, const char* kind, const std::string& reason) {
  auto node = testcase.append_child(kind);
  node.append_attribute("message") = junit_text(reason.substr(0, reason.find('\n'))).c_str();
  if (std::string_view(kind) != "skipped") node.text() = junit_text(reason).c_str();
}

void add_junit_result(pugi::xml_node& suite, const std::string& name, const TestResult& test) {
  auto testcase = suite.append_child("testcase");
  const auto dot = test.test.find('.');
  testcase.append_attribute("classname") =
      junit_text(name + '.' + test.test.substr(0, dot)).c_str();
  testcase.append_attribute("name") =
      junit_text(dot == std::string::npos ? test.test : test.test.substr(dot + 1)).c_str();
  testcase.append_attribute("time") = junit_seconds(test.time).c_str();
  switch (test.status) {
    case Status::pass:
      break;
    case Status::fail:
      add_junit_outcome(testcase, "failure", test.reason);
      break;
    case Status::error:
    case Status::miss:
      add_junit_outcome(testcase, "error", test.reason);
      break;
    case Status::skip:
      add_junit_outcome(testcase, "skipped", test.reason);
      break;
  }
  const bool explains = test.status == Status::fail || test.status == Status::error;
  if (explains) testcase.append_child("system-out").text() = junit_text(test.output).c_str();
}

}  // namespace nsgate::lab
