// SPDX-License-Identifier: Apache-2.0
#include "lab/report/junit.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "sample_run.h"

namespace nsgate::lab {
namespace {

pugi::xml_document read(const RunResult& run) {
  pugi::xml_document document;
  const auto text = junit(run);
  EXPECT_TRUE(document.load_buffer(text.data(), text.size())) << text;
  return document;
}

TEST(Junit, CellIsASuiteWhoseCountsAgree) {
  const auto document = read(sample_run());
  for (const auto& suite : document.child("testsuites").children("testsuite")) {
    int tests = 0;
    int failures = 0;
    int errors = 0;
    int skipped = 0;
    for (const auto& test : suite.children("testcase")) {
      ++tests;
      failures += test.child("failure") ? 1 : 0;
      errors += test.child("error") ? 1 : 0;
      skipped += test.child("skipped") ? 1 : 0;
    }
    EXPECT_EQ(suite.attribute("tests").as_int(), tests);
    EXPECT_EQ(suite.attribute("failures").as_int(), failures);
    EXPECT_EQ(suite.attribute("errors").as_int(), errors);
    EXPECT_EQ(suite.attribute("skipped").as_int(), skipped);
  }
}

TEST(Junit, EachStatusIsToldAsReadersExpectIt) {
  const auto document = read(sample_run());
  const auto good = document.child("testsuites").child("testsuite");
  EXPECT_EQ(good.attribute("name").value(), std::string("6.1-root"));
  const auto skip = good.find_child_by_attribute("testcase", "name", "Skips");
  EXPECT_EQ(skip.child("skipped").attribute("message").value(), std::string("needs rootless: x"));
  const auto bad = good.next_sibling("testsuite");
  EXPECT_TRUE(bad.find_child_by_attribute("testcase", "name", "Fails").child("failure"));
  EXPECT_TRUE(bad.find_child_by_attribute("testcase", "name", "Errs").child("error"));
  EXPECT_TRUE(bad.find_child_by_attribute("testcase", "name", "First").child("error"));
  EXPECT_TRUE(bad.find_child_by_attribute("testcase", "name", "cell").child("error"));
}

TEST(Junit, BytesThatXmlCannotHoldAreReplaced) {
  auto run = sample_run();
  run.cells[1].verdict.tests[0].output = std::string("a\x01\xff<]]>", 7);
  const auto suite = read(run).child("testsuites").last_child();
  const auto test = suite.find_child_by_attribute("testcase", "name", "Fails");
  EXPECT_EQ(test.child("system-out").text().get(), std::string("a?"
                                                               "?<]]>"));
}

}  // namespace
}  // namespace nsgate::lab
