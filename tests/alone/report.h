// SPDX-License-Identifier: Apache-2.0
//
// What a run of the standalone program found, for a person and for programs.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "alone/catalogue.h"
#include "lab/base/failure.h"
#include "lab/verdict/test_result.h"

namespace nsgate::alone {

struct Results {
  std::vector<lab::TestResult> tests;
  std::size_t asked = 0;  ///< how many were to run; more than `tests` after an interrupt
  bool interrupted = false;
  bool forbid_skips = false;
  std::chrono::microseconds time{0};
  std::vector<std::string> required;  ///< ids that have to be proven
};

/// Whether the tests of a claim, of those that ran, prove it.
enum class Standing { proven, failed, unproven };

/// Of every claim that one of the tests is about.
std::map<std::string, Standing> standings(const Results& results);

/// The required claims that are not proven.
std::vector<std::string> missing(const Results& results);

/// As the lab's (vm/lab/main.cc); `deadline` where tests hung and no other failed.
lab::ExitCode exit_code(const Results& results);

std::string summary(const Results& results, const Catalogue& catalogue, bool colour);
std::string junit(const Results& results);
std::string json(const Results& results, const Catalogue& catalogue);

/// "Linux 6.12.1, x86_64, uid 0".
std::string machine();

}  // namespace nsgate::alone
