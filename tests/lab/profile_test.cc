// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Profile : public testing::Test {
 protected:
  const ScratchFolder folder;

  Expected<std::set<std::string>> unmet(const std::string& text) {
    return unmet_requirements(folder.write("profiles.toml", text), "p", frame::User::rootless);
  }
};

TEST_F(Profile, UnmetRequirementsAreThoseOfTheUser) {
  const auto ids = unmet("[p.root]\nunmet = [\"a\"]\n[p.rootless]\nunmet = [\"b\", \"c\"]\n");
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_THAT(*ids, UnorderedElementsAre("b", "c"));
}

TEST_F(Profile, MissingListIsAnErrorAndNoEmptyList) {
  const auto ids = unmet("[p.root]\nunmet = []\n");
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, ExitCode::could_not_start);
  EXPECT_THAT(ids.error().message, HasSubstr("`unmet` in [p.rootless]"));
}

TEST_F(Profile, ListOfOtherThingsThanNamesIsAnError) {
  EXPECT_FALSE(unmet("[p.rootless]\nunmet = [1]\n"));
  EXPECT_FALSE(unmet("[p.rootless]\nunmet = [\"\"]\n"));
}

TEST_F(Profile, BrokenFileIsAnErrorThatNamesTheLine) {
  EXPECT_THAT(unmet("[p.rootless]\nunmet = [\n").error().message, HasSubstr("profiles.toml:"));
}

TEST_F(Profile, MissingFileIsAnErrorThatNamesIt) {
  const auto ids = unmet_requirements("/nowhere/profiles.toml", "p", frame::User::root);
  ASSERT_FALSE(ids);
  EXPECT_THAT(ids.error().message, HasSubstr("/nowhere/profiles.toml"));
}

TEST_F(Profile, ShippedProfilePredictsTheSkipsOfBothUsers) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "../../vm/profiles.toml";
  EXPECT_THAT(unmet_requirements(file, default_profile, frame::User::root).value(),
              UnorderedElementsAre("rootless"));
  EXPECT_THAT(unmet_requirements(file, default_profile, frame::User::rootless).value(),
              UnorderedElementsAre("root"));
}

}  // namespace
}  // namespace nsgate::lab
