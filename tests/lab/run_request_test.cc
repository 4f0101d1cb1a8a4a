// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/run_request.h"

#include <gtest/gtest.h>

#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

RunRequest request(const std::string& filter) {
  RunRequest request;
  request.carried = {"/p/helper"};
  request.filter = filter;
  return request;
}

TEST(CommandLine, NamesEverythingThatDecidesTheCell) {
  const CellSpec cell{.kernel = "6.1",
                      .user = frame::User::rootless,
                      .userland = "trixie",
                      .profile = "yama-1",
                      .payload = "/p/it's tests",
                      .shard = {2, 3}};
  EXPECT_EQ(command_line("/bin/nsgate", request("A.*"), cell),
            "/bin/nsgate run --kernel 6.1 --user rootless --userland trixie --profile yama-1 "
            "--payload '/p/it'\\''s tests' --shard 2/3 --filter 'A.*' --carry /p/helper "
            "--cell-deadline 300 --test-deadline 45");
}

TEST(CommandLine, LeavesOutWhatIsAsUsual) {
  EXPECT_EQ(command_line("nsgate", {}, {.kernel = "6.1"}),
            "nsgate run --kernel 6.1 --user root --cell-deadline 300 --test-deadline 45");
}

TEST(CommandLine, ShellReadsBackEveryWord) {
  const std::string filter = "a b'c\"d$e`f\\g*;h\n";
  const auto line = command_line("printf '%s\\n' x", request(filter), {.kernel = "6.1"});
  const auto echoed = run({.argv = {"sh", "-c", "set -- " + line + "; printf %s \"${8}\""},
                           .extra_env = {},
                           .stderr_file = {},
                           .working_directory = {}});
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->out, filter);
}

TEST(CommandLine, PathsAreAbsolute) {
  const auto line = command_line("nsgate", {}, {.kernel = "./bzImage", .userland = "./root.tar"});
  const auto here = std::filesystem::current_path();
  EXPECT_NE(line.find("--kernel " + (here / "bzImage").string()), std::string::npos) << line;
  EXPECT_NE(line.find("--userland " + (here / "root.tar").string()), std::string::npos) << line;
}

}  // namespace
}  // namespace nsgate::lab
