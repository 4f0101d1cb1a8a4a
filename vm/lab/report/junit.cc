// SPDX-License-Identifier: Apache-2.0
#include "lab/report/junit.h"

#include <spdlog/fmt/fmt.h>

#include <pugixml.hpp>
#include <sstream>

#include "lab/report/junit_result.h"

namespace nsgate::lab {
namespace {

void add_cell(pugi::xml_node& root, const CellResult& result) {
  const auto name = name_of(result.cell.spec);
  auto suite = root.append_child("testsuite");
  suite.append_attribute("name") = junit_text(name).c_str();
  const auto own = result.verdict.reasons.empty() ? 0u : 1u;
  suite.append_attribute("tests") = static_cast<unsigned>(result.verdict.tests.size() + own);
  suite.append_attribute("failures") = static_cast<unsigned>(count(result, Status::fail));
  suite.append_attribute("errors") =
      static_cast<unsigned>(count(result, Status::error) + count(result, Status::miss) + own);
  suite.append_attribute("skipped") = static_cast<unsigned>(count(result, Status::skip));
  suite.append_attribute("time") = junit_seconds(result.time).c_str();
  if (own > 0) {
    auto testcase = suite.append_child("testcase");
    testcase.append_attribute("classname") = junit_text(name).c_str();
    testcase.append_attribute("name") = "cell";
    std::string all;
    for (const auto& reason : result.verdict.reasons) all += (all.empty() ? "" : "\n") + reason;
    add_junit_outcome(testcase, "error", all);
  }
  for (const auto& test : result.verdict.tests) add_junit_result(suite, name, test);
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
