// SPDX-License-Identifier: Apache-2.0
//
// The report of a test, which the test itself may write.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lab/verdict/gtest_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto report = nsgate::lab::parse_gtest_xml(xml, "A.One");
  if (!report && report.error().empty()) std::abort();
  // Whatever it says of A.One, it says nothing of another test.
  if (report && nsgate::lab::parse_gtest_xml(xml, "A.Two")) std::abort();
  return 0;
}
