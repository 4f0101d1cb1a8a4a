// SPDX-License-Identifier: Apache-2.0
//
// Reports as GoogleTest 1.12 writes them about the test A.One.
#pragma once

#include <string>

namespace nsgate::lab {

inline std::string report_xml(int failures, const std::string& result,
                              const std::string& children) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="1" failures=")" +
         std::to_string(failures) + R"(" disabled="0" errors="0" time="0" name="AllTests">
  <testsuite name="A" tests="1" failures="0" disabled="0" skipped="0" errors="0" time="0">
    <testcase name="One" file="a.cc" line="2" status="run" result=")" +
         result + R"(" time="0" classname="A">
)" + children +
         R"(    </testcase>
  </testsuite>
</testsuites>
)";
}

inline std::string passed_xml(const std::string& behaviours) {
  return report_xml(
      0, "completed",
      R"(<properties><property name="line" value="7"/><property name="behaviour" value=")" +
          behaviours + "\"/></properties>\n");
}

inline std::string failed_xml(const std::string& first, const std::string& second) {
  return report_xml(2, "completed",
                    "<failure message=\"" + first + "\" type=\"\"></failure>\n<failure message=\"" +
                        second + "\" type=\"\"></failure>\n");
}

inline std::string skipped_xml(const std::string& message) {
  return report_xml(0, "skipped", "<skipped message=\"" + message + "\"></skipped>\n");
}

}  // namespace nsgate::lab
