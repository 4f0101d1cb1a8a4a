// SPDX-License-Identifier: Apache-2.0
#include "lab/doctor/host_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using Level = Check::Level;

/// A PATH of one folder.
class Programs : public testing::Test {
 protected:
  Programs() { ::setenv("PATH", folder.path().c_str(), 1); }
  ~Programs() override { ::setenv("PATH", path.c_str(), 1); }

  void make(const std::string& name, const std::string& says) const {
    const auto file = folder.write(name, "#!/bin/sh\necho '" + says + "'\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

  const std::string path = std::getenv("PATH");
  const ScratchFolder folder;
  const Installer debian{true};
  const NeededProgram needed{.name = "nsgate-parallel",
                             .package = "parallel",
                             .purpose = "spreads cells",
                             .version_says = "GNU parallel"};
};

TEST_F(Programs, MissingOneNamesItsPackage) {
  const auto check = check_program(needed, debian);
  EXPECT_EQ(check.level, Level::warn);
  EXPECT_EQ(check.said, "not there; it spreads cells");
  EXPECT_EQ(check.remedy, "apt-get install parallel");
}

TEST_F(Programs, WhereThereIsNoAptTheProgramIsNamed) {
  EXPECT_EQ(check_program(needed, Installer(false)).remedy, "install the program nsgate-parallel");
}

TEST_F(Programs, NeededByEveryCellIsMissing) {
  auto vital = needed;
  vital.without = Level::missing;
  EXPECT_EQ(check_program(vital, debian).level, Level::missing);
}

TEST_F(Programs, OneOfTheRightNameIsFound) {
  make("nsgate-parallel", "GNU parallel 20221122");
  const auto check = check_program(needed, debian);
  EXPECT_EQ(check.level, Level::ok);
  EXPECT_EQ(check.said, (folder.path() / "nsgate-parallel").string());
}

// moreutils has a parallel, too.
TEST_F(Programs, AnotherOneOfTheSameNameIsNotTaken) {
  make("nsgate-parallel", "parallel [OPTIONS] command -- arguments");
  const auto check = check_program(needed, debian);
  EXPECT_EQ(check.level, Level::warn);
  EXPECT_THAT(check.said, HasSubstr("is not GNU parallel"));
}

TEST(HostFiles, MissingOneTellsWhatMakesIt) {
  const auto check = check_file("init", "/nowhere/init", Level::missing, "build it");
  EXPECT_EQ(check.level, Level::missing);
  EXPECT_EQ(check.said, "cannot read /nowhere/init");
  EXPECT_EQ(check.remedy, "build it");
}

TEST(HostFolders, ThatExistsTellsItsSize) {
  const ScratchFolder folder;
  folder.write("a/b", std::string(3 << 20, 'x'));
  const auto check = check_writable("cache", folder.path(), "XDG_CACHE_HOME");
  EXPECT_EQ(check.level, Level::ok);
  EXPECT_EQ(check.said, folder.path().string() + ", 3 MiB");
}

TEST(HostFolders, ThatCanBeMadeIsNotMade) {
  const ScratchFolder folder;
  const auto wanted = folder.path() / "a" / "b";
  EXPECT_EQ(check_writable("cache", wanted, "XDG_CACHE_HOME").level, Level::ok);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a"));
}

TEST(HostFolders, ThatCannotBeWrittenNamesTheVariable) {
  // Not even root may make files there.
  const auto check = check_writable("cache", "/proc/self/nsgate", "XDG_CACHE_HOME");
  EXPECT_EQ(check.level, Level::missing);
  EXPECT_THAT(check.said, HasSubstr("cannot write /proc/self"));
  EXPECT_THAT(check.remedy, HasSubstr("XDG_CACHE_HOME"));
}

TEST(HostFolders, WithoutSpaceAreTold) {
  // The file system of /proc has no blocks (statfs(2)).
  EXPECT_EQ(check_space("cache space", "/proc/self").level, Level::missing);
}

TEST(HostSizes, SayHowManyGuestsRunAtATime) {
  EXPECT_EQ(check_size({8192, 2}).said,
            "8192 MiB of memory free, 2 processors: 2 guests at a time");
  EXPECT_EQ(check_size({8192, 2}).level, Level::ok);
  EXPECT_EQ(check_size({1000, 4}).level, Level::warn);
  EXPECT_EQ(check_size({1000, 4}).remedy, "run with -j 1");
  EXPECT_EQ(check_size({100, 4}).level, Level::missing);
}

TEST(HostSizes, OfThisMachineAreSomething) {
  EXPECT_GT(size_of_host().available_mib, 0u);
  EXPECT_GE(size_of_host().processors, 1u);
}

}  // namespace
}  // namespace nsgate::lab
