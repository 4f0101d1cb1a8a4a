// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/allow_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/base/utc_time.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* rule =
    "[[allow]]\npattern = 'WARNING: .* at net/core/dev\\.c'\nreason = \"known\"\n"
    "link = \"https://example.org/1\"\nexpires = 2027-01-31\nkernels = [\"6.1.\"]\n";

class AllowListTest : public testing::Test {
 protected:
  const ScratchFolder folder;

  Expected<AllowList> load(const std::string& text) {
    return AllowList::load(folder.write("splats.toml", text));
  }
  std::string error(const std::string& text) {
    const auto list = load(text);
    return list ? "no error" : list.error().message;
  }
  static Splat splat() {
    return {.title = "WARNING: CPU: 0 PID: 9 at net/core/dev.c:42",
            .fingerprint = {},
            .test = {},
            .late = false,
            .text = {}};
  }
};

TEST_F(AllowListTest, EntryAllowsItsSplatOnItsKernelUntilItsDay) {
  const auto list = load(rule);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->why_allowed(splat(), "6.1.0-56-cloud-amd64", "2027-01-31"),
            "known (https://example.org/1, until 2027-01-31)");
  EXPECT_EQ(list->why_allowed(splat(), "6.1.0-56-cloud-amd64", "2027-02-01"), "");
  EXPECT_EQ(list->why_allowed(splat(), "6.12.117", "2026-11-23"), "");
  auto other = splat();
  other.title = "WARNING: CPU: 0 PID: 9 at net/core/devXc:42";
  EXPECT_EQ(list->why_allowed(other, "6.1.0", "2026-11-23"), "");
}

TEST_F(AllowListTest, ExpiredEntriesAreNamed) {
  const auto list = load(rule);
  EXPECT_THAT(list->expired("2027-01-31"), IsEmpty());
  EXPECT_THAT(list->expired("2027-02-01"), SizeIs(1));
}

TEST_F(AllowListTest, EveryMistakeNamesItsLine) {
  EXPECT_THAT(error("[[allow]\n"), HasSubstr("splats.toml:1: "));
  EXPECT_THAT(error("[[allow]]\nreason = \"x\"\n"), HasSubstr("`pattern` is missing"));
  EXPECT_THAT(error("[[allow]]\npattern = 'x'\nreason = 'x'\nlink = 'x'\n"),
              HasSubstr("`expires` is missing or no date"));
  EXPECT_THAT(error("[[allow]]\npattern = '('\nreason = 'x'\nlink = 'x'\nexpires = 2027-01-31\n"),
              HasSubstr("`pattern` is no regular expression"));
  std::string with_unknown_key = rule;
  with_unknown_key += "until = 2028-01-01\n";
  EXPECT_THAT(error(with_unknown_key),
              AllOf(HasSubstr("splats.toml:7: "), HasSubstr("`until` is unknown")));
  EXPECT_THAT(error("allowed = 1\n"), HasSubstr("is not a list [[allow]]"));
}

// An entry that is too old is mended or taken away, not forgotten.
TEST_F(AllowListTest, ShippedListHasNoExpiredEntry) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "../../vm/splats.toml";
  const auto list = AllowList::load(file);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_THAT(list->expired(utc_time("%F")), IsEmpty());
}

TEST_F(AllowListTest, KernelWithoutADotAtItsEndIsNoOtherMinorVersion) {
  std::string text = rule;
  text.replace(text.find("\"6.1.\""), 6, "\"6.1\"");
  const auto list = load(text);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_NE(list->why_allowed(splat(), "6.1.0-56-cloud-amd64", "2026-11-23"), "");
  EXPECT_NE(list->why_allowed(splat(), "6.1-rc3", "2026-11-23"), "");
  EXPECT_EQ(list->why_allowed(splat(), "6.12.117", "2026-11-23"), "");
}

}  // namespace
}  // namespace nsgate::lab
