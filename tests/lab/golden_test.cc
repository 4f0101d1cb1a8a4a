// SPDX-License-Identifier: Apache-2.0
//
// Console logs and what has to be found in them. golden/NAME.log is what a guest's console said:
// healthy boots of Debian's kernels and real faults, but for those named made-…, which are written
// by hand in the form of kernels that the lab does not boot. golden/NAME.expected lists each find
// on a line of its own; an empty one says that nothing may be found.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lab/verdict/splat.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return std::move(text).str();
}

std::string finds_of(const KernelLog& log) {
  std::string finds;
  for (const auto& splat : log.splats) {
    finds += "splat of " + (splat.test.empty() ? "no test" : splat.test) +
             (splat.late ? ", late: " : ": ") + splat.fingerprint + '\n';
  }
  if (!log.panic.empty()) finds += "panic: " + log.panic + '\n';
  return finds;
}

std::vector<std::string> samples() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(__FILE__).parent_path() / "golden")) {
    if (entry.path().extension() == ".log") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, NothingElseIsFound) {
  const auto file = fs::path(__FILE__).parent_path() / "golden" / GetParam();
  EXPECT_EQ(finds_of(read_kernel_log(text_of(file.string() + ".log"))),
            text_of(file.string() + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(KernelLog, Golden, testing::ValuesIn(samples()), [](const auto& sample) {
  std::string name = sample.param;
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

}  // namespace
}  // namespace nsgate::lab
