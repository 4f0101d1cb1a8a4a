// SPDX-License-Identifier: Apache-2.0
//
// One test in KTAP version 1 (Documentation/dev-tools/ktap.rst).
#pragma once

#include <cstddef>
#include <string>

#include "lab/verdict/test_result.h"

namespace nsgate::lab {

/// The result line of the test, and before it the reason of a failure as diagnostics.
std::string ktap_result(const TestResult& test, std::size_t number, const std::string& indent = "");

/// Each line of the text as a diagnostic line.
std::string ktap_diagnostics(const std::string& text, const std::string& indent = "");

/// Names and reasons are one line, without the sign that begins a directive.
std::string ktap_line(const std::string& text);

bool is_ktap_ok(const TestResult& test);

}  // namespace nsgate::lab
