// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/run_request.h"

#include <gtest/gtest.h>

#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

RunRequest request(const std::string& filter) {
  RunRequest request;
  request.payload = {.program = "/p/it's tests", .carried = {"/p/helper"}};
  request.filter = filter;
  return request;
}

TEST(CommandLine, NamesEverythingThatDecidesTheCell) {
  EXPECT_EQ(command_line("/bin/nsgate", request("A.*"), "6.1", frame::User::rootless),
            "/bin/nsgate run --kernel 6.1 --user rootless --payload '/p/it'\\''s tests' --carry "
            "/p/helper --filter 'A.*' --cell-deadline 300 --test-deadline 45");
}

TEST(CommandLine, ShellReadsBackEveryWord) {
  const std::string filter = "a b'c\"d$e`f\\g*;h\n";
  const auto line = command_line("printf '%s\\n' x", request(filter), "6.1", frame::User::root);
  const auto echoed = run({.argv = {"sh", "-c", "set -- " + line + "; printf %s \"${12}\""},
                           .extra_env = {},
                           .stderr_file = {},
                           .working_directory = {}});
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->out, filter);
}

TEST(CommandLine, PathOfAKernelIsAbsolute) {
  const auto line = command_line("nsgate", request("*"), "./bzImage", frame::User::root);
  EXPECT_NE(line.find("--kernel " + (std::filesystem::current_path() / "bzImage").string()),
            std::string::npos)
      << line;
}

}  // namespace
}  // namespace nsgate::lab
