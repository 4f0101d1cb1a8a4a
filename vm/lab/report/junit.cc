// SPDX-License-Identifier: Apache-2.0
#include "lab/report/junit.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

namespace nsgate::lab {
namespace {

/// XML 1.0 has no place for most control characters, not even escaped; bytes that are no ASCII may
/// be no UTF-8.
std::string clean(const std::string& text) {
  std::string cleaned = text;
  std::ranges::replace_if(
      cleaned, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f; },
      '?');
  return cleaned;
}

std::string seconds(std::chrono::microseconds time) {
  return fmt::format("{:.6f}", std::chrono::duration<double>(time).count());
}

void add_outcome(pugi::xml_node& testcase, const char* kind, const std::string& reason) {
  auto node = testcase.append_child(kind);
  node.append_attribute("message") = clean(reason.substr(0, reason.find('\n'))).c_str();
  if (std::string_view(kind) != "skipped") node.text() = clean(reason).c_str();
}

void add_test(pugi::xml_node& suite, const std::string& cell, const TestResult& test) {
  auto testcase = suite.append_child("testcase");
  const auto dot = test.test.find('.');
  testcase.append_attribute("classname") = clean(cell + '.' + test.test.substr(0, dot)).c_str();
  testcase.append_attribute("name") =
      clean(dot == std::string::npos ? test.test : test.test.substr(dot + 1)).c_str();
  testcase.append_attribute("time") = seconds(test.time).c_str();
  switch (test.status) {
    case Status::pass:
      break;
    case Status::fail:
      add_outcome(testcase, "failure", test.reason);
      break;
    case Status::error:
    case Status::miss:
      add_outcome(testcase, "error", test.reason);
      break;
    case Status::skip:
      add_outcome(testcase, "skipped", test.reason);
      break;
  }
  const bool explains = test.status == Status::fail || test.status == Status::error;
  if (explains) testcase.append_child("system-out").text() = clean(test.output).c_str();
}

void add_cell(pugi::xml_node& root, const CellResult& result) {
  const auto name = name_of(result.cell.spec);
  auto suite = root.append_child("testsuite");
  suite.append_attribute("name") = clean(name).c_str();
  const auto own = result.verdict.reasons.empty() ? 0u : 1u;
  suite.append_attribute("tests") = static_cast<unsigned>(result.verdict.tests.size() + own);
  suite.append_attribute("failures") = static_cast<unsigned>(count(result, Status::fail));
  suite.append_attribute("errors") =
      static_cast<unsigned>(count(result, Status::error) + count(result, Status::miss) + own);
  suite.append_attribute("skipped") = static_cast<unsigned>(count(result, Status::skip));
  suite.append_attribute("time") = seconds(result.time).c_str();
  if (own > 0) {
    auto testcase = suite.append_child("testcase");
    testcase.append_attribute("classname") = clean(name).c_str();
    testcase.append_attribute("name") = "cell";
    std::string all;
    for (const auto& reason : result.verdict.reasons) all += (all.empty() ? "" : "\n") + reason;
    add_outcome(testcase, "error", all);
  }
  for (const auto& test : result.verdict.tests) add_test(suite, name, test);
}

std::string written(const pugi::xml_document& document) {
  std::ostringstream text;
  document.save(text, "  ");
  return std::move(text).str();
}

}  // namespace

std::string junit(const CellResult& cell) {
  pugi::xml_document document;
  auto root = document.append_child("testsuites");
  add_cell(root, cell);
  return written(document);
}

std::string junit(const RunResult& run) {
  pugi::xml_document document;
  auto root = document.append_child("testsuites");
  for (const auto& cell : run.cells) add_cell(root, cell);
  return written(document);
}

}  // namespace nsgate::lab
