// SPDX-License-Identifier: Apache-2.0
//
// One test in JUnit XML.
#pragma once

#include <chrono>
#include <pugixml.hpp>
#include <string>

#include "lab/verdict/test_result.h"

namespace nsgate::lab {

/// Adds a <testcase> of the class "<name>.<Suite>" to the suite.
void add_junit_result(pugi::xml_node& suite, const std::string& name, const TestResult& test);

/// Adds what happened: `kind` is "failure", "error" or "skipped".
void add_junit_outcome(pugi::xml_node& testcase, const char* kind, const std::string& reason);

/// XML 1.0 has no place for most control characters, not even escaped; bytes that are no ASCII may
/// be no UTF-8.
std::string junit_text(const std::string& text);

std::string junit_seconds(std::chrono::microseconds time);

}  // namespace nsgate::lab
