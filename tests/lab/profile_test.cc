// SPDX-License-Identifier: Apache-2.0
#include "lab/profiles/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using frame::User;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

/// The keys that no profile may lack.
std::string profile(const std::string& name, const std::string& more = "") {
  return "[[profile]]\nname = \"" + name +
         "\"\ndescription = \"d\"\nunmet = { root = [\"rootless\"], rootless = [\"root\"], "
         "nested = [\"root\"] }\n" +
         more;
}

class LoadProfiles : public testing::Test {
 protected:
  const ScratchFolder folder;

  std::vector<Profile> load(const std::string& text) {
    return value_of(load_profiles(folder.write("profiles.toml", text)));
  }
  /// What is wrong with it.
  std::string complaint(const std::string& text) {
    const auto profiles = load_profiles(folder.write("profiles.toml", text));
    if (profiles) return "nothing";
    EXPECT_EQ(profiles.error().code, ExitCode::could_not_start);
    return profiles.error().message;
  }
};

TEST_F(LoadProfiles, ReadsEveryKey) {
  const auto profiles = load(profile("p",
                                     "kernel_arguments = \"lsm=yama\"\n"
                                     "settings = [\"sysctl a.b=1\", \"seccomp eperm setns\"]\n"
                                     "config = [\"CONFIG_X\"]\nfiles = [\"x.bin\"]\n"
                                     "filter = \"A.*\"\nmeets = [\"x\"]\n"));
  ASSERT_EQ(profiles.size(), 1u);
  const auto& p = profiles[0];
  EXPECT_EQ(p.name, "p");
  EXPECT_EQ(p.description, "d");
  EXPECT_EQ(p.kernel_arguments, "lsm=yama");
  EXPECT_THAT(p.settings, ElementsAre(frame::Setting{"sysctl", "a.b=1"},
                                      frame::Setting{"seccomp", "eperm setns"}));
  EXPECT_THAT(p.config, ElementsAre("CONFIG_X"));
  EXPECT_THAT(p.files, ElementsAre("x.bin"));
  EXPECT_EQ(p.filter, "A.*");
  EXPECT_THAT(p.unmet(User::root), UnorderedElementsAre("rootless"));
  EXPECT_THAT(p.unmet(User::rootless), UnorderedElementsAre("root"));
  EXPECT_THAT(p.unmet(User::nested), UnorderedElementsAre("root"));
}

TEST_F(LoadProfiles, ProfileOfNothingRunsAllTests) {
  const auto p = load(profile("p")).at(0);
  EXPECT_EQ(p.filter, "*");
  EXPECT_THAT(p.settings, ElementsAre());
}

TEST_F(LoadProfiles, PolicyOfOneProfileIsUnmetInTheOthers) {
  const auto profiles = load(profile("a") + profile("b", "meets = [\"strict\", \"both\"]\n") +
                             profile("c", "meets = [\"both\"]\n"));
  EXPECT_THAT(profiles[0].unmet(User::root), UnorderedElementsAre("rootless", "strict", "both"));
  EXPECT_THAT(profiles[1].unmet(User::root), UnorderedElementsAre("rootless"));
  EXPECT_THAT(profiles[2].unmet(User::rootless), UnorderedElementsAre("root", "strict"));
}

TEST_F(LoadProfiles, MissingKeyIsAnErrorOfTheLineOfItsProfile) {
  EXPECT_THAT(complaint("\n[[profile]]\ndescription = \"d\"\n"),
              HasSubstr("profiles.toml:2: a profile needs `name`"));
  EXPECT_THAT(complaint("[[profile]]\nname = \"p\"\n"), HasSubstr(":1: a profile needs `descr"));
}

TEST_F(LoadProfiles, MissingUnmetIsAnErrorAndNoEmptyList) {
  const std::string start = "[[profile]]\nname = \"p\"\ndescription = \"d\"\n";
  EXPECT_THAT(complaint(start), HasSubstr(":1: a profile needs `unmet` with a list for root"));
  EXPECT_THAT(complaint(start + "unmet = { root = [] }\n"), HasSubstr("list for rootless"));
  EXPECT_THAT(complaint(start + "unmet = { root = [], rootless = [] }\n"),
              HasSubstr("list for nested"));
}

TEST_F(LoadProfiles, ValueOfAnotherKindIsAnErrorOfItsLine) {
  EXPECT_THAT(complaint(profile("p", "filter = 1\n")),
              HasSubstr(":5: `filter` is one line of text"));
  EXPECT_THAT(complaint(profile("p", "config = [1]\n")), HasSubstr(":5: `config` is a list"));
  EXPECT_THAT(complaint(profile("p", "meets = \"x\"\n")), HasSubstr(":5: `meets` is a list"));
  EXPECT_THAT(complaint(profile("p", "settings = [\"sysctl\"]\n")),
              HasSubstr(":5: a setting is a kind, a blank and a value, not \"sysctl\""));
  EXPECT_THAT(complaint(profile("p", "files = [\"../x\"]\n")), HasSubstr(":5: `files`"));
}

TEST_F(LoadProfiles, LineBreakInAValueWouldBeALineOfThePlan) {
  EXPECT_THAT(complaint(profile("p", "settings = [\"sysctl a=1\\nprogram /bin/true\"]\n")),
              HasSubstr(":5: `settings` is a list of texts of one line"));
  EXPECT_THAT(complaint(profile("p", "kernel_arguments = \"a\\nb\"\n")), HasSubstr(":5:"));
}

TEST_F(LoadProfiles, UnknownKeyIsAnErrorOfItsLine) {
  EXPECT_THAT(complaint(profile("p", "setings = []\n")),
              HasSubstr(":5: `setings` is no key of a profile"));
  EXPECT_THAT(complaint("[defaults]\na = 1\n" + profile("p")), HasSubstr("and nothing else"));
}

TEST_F(LoadProfiles, NamesAreDistinctAndNameFolders) {
  EXPECT_THAT(complaint(profile("p") + profile("p")), HasSubstr(":5: there are two profiles p"));
  EXPECT_THAT(complaint(profile("a/b")), HasSubstr(":2: the name of a profile"));
}

TEST_F(LoadProfiles, BrokenFileIsAnErrorThatNamesTheLine) {
  EXPECT_THAT(complaint("[[profile]]\nname =\n"), HasSubstr("profiles.toml:2: "));
  EXPECT_THAT(load_profiles("/nowhere/profiles.toml").error().message,
              HasSubstr("/nowhere/profiles.toml"));
  EXPECT_THAT(complaint(""), HasSubstr("list of [[profile]]"));
}

TEST_F(LoadProfiles, UnknownNameIsAnErrorThatListsTheKnown) {
  const auto profiles = load(profile("a") + profile("b"));
  EXPECT_EQ(value_of(find_profile(profiles, "b")).name, "b");
  EXPECT_EQ(find_profile(profiles, "x").error().message, "no profile is called x; there are a, b");
}

TEST(ShippedProfiles, DefaultLeavesOnlyTheOtherUserAndThePoliciesOfOthersUnmet) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "../../vm/profiles.toml";
  const auto profiles = value_of(load_profiles(file));
  const auto p = value_of(find_profile(profiles, default_profile));

  EXPECT_EQ(p.filter, "*");
  EXPECT_THAT(p.settings, ElementsAre());
  EXPECT_THAT(p.unmet(User::root), Contains("rootless"));
  EXPECT_THAT(p.unmet(User::root), Not(Contains("root")));
  EXPECT_THAT(p.unmet(User::root), Contains("hidepid-2"));
  EXPECT_THAT(p.unmet(User::rootless), Contains("root"));
}

TEST(ShippedProfiles, FilesAreThere) {
  const auto vm = std::filesystem::path(__FILE__).parent_path() / "../../vm";
  for (const auto& profile : value_of(load_profiles(vm / "profiles.toml"))) {
    for (const auto& file : profile.files) {
      EXPECT_TRUE(std::filesystem::is_regular_file(vm / "policy" / file)) << file;
    }
  }
}

}  // namespace
}  // namespace nsgate::lab
