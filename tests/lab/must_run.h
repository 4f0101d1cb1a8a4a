// SPDX-License-Identifier: Apache-2.0
//
// A program that has to succeed for the test to make sense.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lab/base/process.h"
#include "value_of.h"

namespace nsgate::lab {

/// What it printed. A program that is missing or fails fails the test in its own words.
inline std::string must_run(std::vector<std::string> argv) {
  const std::string name = argv.at(0);
  auto output = value_of(
      run({.argv = std::move(argv), .extra_env = {}, .stderr_file = {}, .working_directory = {}}));
  if (!output.ok()) throw std::runtime_error(name + ": " + output.err);
  return std::move(output.out);
}

}  // namespace nsgate::lab
