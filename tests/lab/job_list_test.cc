// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/job_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<CellSpec> cells{{.kernel = "6.1"},
                                  {.kernel = "/k/bzImage",
                                   .user = frame::User::rootless,
                                   .userland = "trixie",
                                   .profile = "yama-1",
                                   .payload = "/p/it's",
                                   .shard = {2, 3},
                                   .filter = "A.*",
                                   .environment = {"RC_PARAMS=seed=1"}}};

std::string error_with(const std::string& from, const std::string& to) {
  auto text = job_list(cells);
  text.replace(text.find(from), from.size(), to);
  const ScratchFolder folder;
  const auto list = read_job_list(folder.write("cells.json", text));
  return list ? "no error" : list.error().message;
}

TEST(JobList, IsReadBack) {
  const ScratchFolder folder;
  EXPECT_EQ(value_of(read_job_list(folder.write("cells.json", job_list(cells)))), cells);
}

TEST(JobList, ErrorsNameFileAndPlace) {
  EXPECT_THAT(error_with("2/3", "3/2"), HasSubstr("cells.json: cells[1]: shard"));
  EXPECT_THAT(error_with("rootless\"", "nobody\""), HasSubstr("cells.json: cells[1]: "));
  EXPECT_THAT(error_with("\"user\": \"root\"", "\"user\": \"toor\""),
              HasSubstr("cells.json: cells[0]: user: is neither"));
  EXPECT_THAT(error_with("\"6.1-root\"", "\"6.1-moot\""),
              HasSubstr("cells[0]: cell: is not the name"));
  EXPECT_THAT(error_with("\"profile\"", "\"prof\""), HasSubstr("cells[0]: "));
  EXPECT_THAT(error_with("{", ""), HasSubstr("cells.json: "));
  EXPECT_THAT(error_with("1,", "2,"), HasSubstr("schema_version"));
}

TEST(JobList, MissingFileIsNamed) {
  const auto list = read_job_list("/nowhere/cells.json");
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().message, HasSubstr("/nowhere/cells.json"));
}

TEST(JobList, OwnPathsBecomeAbsolute) {
  const auto here = std::filesystem::current_path();
  const auto absolute = with_absolute_paths({{.kernel = "./a/../b"}, {.kernel = "6.1"}});
  EXPECT_EQ(absolute[0].kernel, (here / "b").string());
  EXPECT_EQ(absolute[1].kernel, "6.1");
}

TEST(JobList, NamesThatSeveralCellsHaveAreFound) {
  EXPECT_THAT(shared_names(cells), IsEmpty());
  EXPECT_THAT(shared_names({{.kernel = "/a"}, {.kernel = "_a"}, {.kernel = "_a"}}),
              ElementsAre("_a-root"));
}

}  // namespace
}  // namespace nsgate::lab
