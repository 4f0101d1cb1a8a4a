// SPDX-License-Identifier: Apache-2.0
//
// There is no LAVA here, and no YAML parser among the libraries: the values are JSON, and the steps
// run under sh.
#include "lab/farm/lava.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/base/process.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using nlohmann::json;

/// The documents, each with its keys; a value goes on in lines that are indented or close it.
std::vector<std::map<std::string, json>> documents(const std::string& text) {
  std::vector<std::map<std::string, std::string>> raw;
  std::istringstream lines(text);
  std::string key;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("--- ")) {
      raw.emplace_back();
    } else if (const auto colon = line.find(": ");
               std::isalpha(static_cast<unsigned char>(line[0])) != 0) {
      key = line.substr(0, colon);
      raw.back()[key] = line.substr(colon + 2);
    } else {
      raw.back()[key] += line;
    }
  }
  std::vector<std::map<std::string, json>> all;
  for (const auto& document : raw) {
    all.emplace_back();
    for (const auto& [name, value] : document) all.back()[name] = json::parse(value);
  }
  return all;
}

json definition_of(const std::map<std::string, json>& job) {
  return job.at("actions").at(2).at("test").at("definitions").at(0);
}

TEST(Lava, EachCellIsAJobThatRunsItsCommand) {
  const auto jobs = documents(lava_jobs({{.kernel = "6.1"}, {.kernel = "6.12"}}));
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[1].at("job_name"), "nsgate 6.12-root");
  EXPECT_TRUE(jobs[1].at("timeouts").at("job").contains("minutes"));
  EXPECT_EQ(jobs[1].at("actions").at(0).at("deploy").at("to"), "ssh");
  EXPECT_EQ(jobs[1].at("actions").at(1).at("boot").at("method"), "ssh");
  const auto definition = definition_of(jobs[1]);
  EXPECT_EQ(definition.at("from"), "inline");
  const auto step = definition.at("repository").at("run").at("steps").at(0).get<std::string>();
  EXPECT_NE(step.find("nsgate run --kernel 6.12 --user root"), std::string::npos);
}

TEST(Lava, ExitCodeDecidesTheTestCase) {
  const ScratchFolder folder;
  const auto steps = definition_of(documents(lava_jobs({{.kernel = "6.1"}})).at(0))
                         .at("repository")
                         .at("run")
                         .at("steps");
  std::string script = "nsgate() { return $CODE; }; lava-test-case() { echo \"$@\"; }; set -e\n";
  for (const auto& step : steps) script += step.get<std::string>() + '\n';
  for (const auto& [code, result] : std::map<std::string, std::string>{
           {"0", "pass"}, {"1", "fail"}, {"2", "unknown"}, {"4", "skip"}, {"125", "unknown"}}) {
    const auto done = value_of(run({.argv = {"bash", "-c", script},
                                    .extra_env = {"CODE=" + code},
                                    .stderr_file = {},
                                    .working_directory = folder.path()}));
    EXPECT_TRUE(done.ok()) << done.err;
    EXPECT_EQ(done.out,
              "6.1-root --result " + result + " --measurement " + code + " --units exit-code\n");
  }
}

}  // namespace
}  // namespace nsgate::lab
