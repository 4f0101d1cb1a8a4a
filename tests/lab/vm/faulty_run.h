// SPDX-License-Identifier: Apache-2.0
//
// `nsgate run`, as a user runs it, over the payload that misbehaves.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "scratch_folder.h"
#include "vm/nsgate_program.h"

namespace nsgate::lab {

/// The one cell of a run, as --json tells it.
struct JudgedCell {
  int exit = -1;
  nlohmann::json cell;
  std::string err;

  /// "PASS", or "never asked for".
  std::string status(const std::string& test) const { return field(test, "status"); }
  std::string reason(const std::string& test) const { return field(test, "reason"); }
  std::string reasons() const {
    std::string all;
    for (const auto& reason : cell["reasons"]) all += reason.get<std::string>() + '\n';
    return all;
  }
  std::size_t guests() const { return cell["guests"].size(); }

 private:
  std::string field(const std::string& test, const char* key) const {
    for (const auto& row : cell["tests"]) {
      if (row["test"] == "Faulty." + test) return row[key];
    }
    return "never asked for";
  }
};

class FaultyRun : public testing::Test {
 protected:
  const ScratchFolder folder;
  std::string kernel = test_kernel();

  /// The command that runs tests of the suite Faulty. The payload's order is that of the run.
  Words command(const std::string& user, const Words& tests, const Words& more = {}) const {
    std::string filter;
    for (const auto& test : tests) filter += (filter.empty() ? "Faulty." : ":Faulty.") + test;
    Words argv = {NSGATE_PROGRAM, "run",  "--kernel",  kernel,
                  "--user",       user,   "--payload", NSGATE_FAULTY_PAYLOAD,
                  "--filter",     filter, "-o",        results().string()};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }

  std::filesystem::path results() const { return folder.path() / "results"; }

  Answer nsgate(const std::string& user, const Words& tests, const Words& more = {}) const {
    return answer_of(command(user, tests, more));
  }

  /// As root, whose payloads can do most harm.
  JudgedCell judged(const Words& tests, Words more = {}, const Words& env = {}) const {
    more.push_back("--json");
    return judged_of(answer_of(command("root", tests, more), env));
  }

  static JudgedCell judged_of(const Answer& answer) {
    const auto run = nlohmann::json::parse(answer.out, nullptr, /*allow_exceptions=*/false);
    if (run.is_discarded()) {
      ADD_FAILURE() << "no results on stdout: " << answer.out << answer.err;
      return {.exit = answer.exit, .cell = {}, .err = answer.err};
    }
    return {.exit = answer.exit, .cell = run["cells"][0], .err = answer.err};
  }
};

}  // namespace nsgate::lab
