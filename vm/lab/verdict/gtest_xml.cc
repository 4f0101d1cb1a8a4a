// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/gtest_xml.h"

#include <pugixml.hpp>
#include <sstream>

namespace nsgate::lab {
namespace {

void read_failures(const pugi::xml_node& testcase, GtestReport& report) {
  for (const auto& child : testcase.children()) {
    // GoogleTest writes <failure>; other writers of the format use <error> for a crash.
    const std::string_view kind = child.name();
    if (kind == "failure" || kind == "error") {
      report.failures.emplace_back(child.attribute("message").value());
    }
  }
}

void read_testcase(const pugi::xml_node& testcase, GtestReport& report) {
  report.completed = testcase.attribute("status").value() == std::string_view("run") &&
                     testcase.attribute("result").value() == std::string_view("completed");
  if (const auto skipped = testcase.child("skipped")) {
    report.skipped = skipped.attribute("message").value();
  } else if (testcase.attribute("result").value() == std::string_view("skipped")) {
    report.skipped = "";
  }
  for (const auto& property : testcase.child("properties").children("property")) {
    if (property.attribute("name").value() != std::string_view("behaviour")) continue;
    std::istringstream ids(property.attribute("value").value());
    for (std::string id; ids >> id;) report.behaviours.push_back(id);
  }
}

}  // namespace

std::expected<GtestReport, std::string> parse_gtest_xml(std::string_view xml,
                                                        std::string_view name) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed) return std::unexpected(std::string("is no XML: ") + parsed.description());
  const auto root = document.child("testsuites");
  if (!root) return std::unexpected("has no <testsuites>");

  GtestReport report;
  int tests = 0;
  for (const auto& suite : root.children("testsuite")) {
    const std::string suite_name = suite.attribute("name").value();
    for (const auto& testcase : suite.children("testcase")) {
      read_failures(testcase, report);
      // Where GoogleTest puts the failures of global environments: nothing that was asked for.
      if (suite_name == "NonTestSuiteFailure") continue;
      const auto found = suite_name + '.' + testcase.attribute("name").value();
      if (found != name) return std::unexpected("is about " + found);
      read_testcase(testcase, report);
      ++tests;
    }
  }
  if (tests != 1) return std::unexpected("holds " + std::to_string(tests) + " tests");
  const auto counted = [&root](const char* what) { return root.attribute(what).as_int(-1); };
  const bool failed = counted("failures") != 0 || counted("errors") != 0;
  if (counted("tests") != 1 || (failed && report.failures.empty())) {
    return std::unexpected("contradicts its own counts");
  }
  return report;
}

}  // namespace nsgate::lab
