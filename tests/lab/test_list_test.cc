// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/test_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A shell script in the place of a payload; gone at the end of the scope.
class Script {
 public:
  explicit Script(const std::string& body) {
    std::ofstream(path()) << "#!/bin/sh\n" << body;
    fs::permissions(path(), fs::perms::owner_all);
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() { fs::remove_all(directory_); }
  fs::path path() const { return directory_ / "payload"; }

 private:
  std::string pattern_ = fs::temp_directory_path() / "test_list.XXXXXX";
  fs::path directory_ = ::mkdtemp(pattern_.data());
};

std::string printing(const std::string& list) { return "cat <<'END'\n" + list + "END\n"; }

TEST(TestList, HoldsSuitesAndNamesInTheOrderOfTheProgram) {
  const Script program(
      printing("Zebra.\n"
               "  Runs\n"
               "  Ends\n"
               "Ant.\n"
               "  Runs\n"));
  EXPECT_THAT(list_tests(program.path(), "*").value(),
              ElementsAre("Zebra.Runs", "Zebra.Ends", "Ant.Runs"));
}

TEST(TestList, DropsTheCommentsOfTypedAndParameterisedTests) {
  const Script program(
      printing("Typed/0.  # TypeParam = std::map<int, int>\n"
               "  Holds\n"
               "Kernels/Entry.\n"
               "  Works/5_10  # GetParam() = 4-byte object <05-00 0A-00> # not a test.\n"));
  EXPECT_THAT(list_tests(program.path(), "*").value(),
              ElementsAre("Typed/0.Holds", "Kernels/Entry.Works/5_10"));
}

TEST(TestList, LeavesOutDisabledSuitesAndTests) {
  const Script program(
      printing("DISABLED_Suite.\n"
               "  Runs\n"
               "Instance/DISABLED_Suite.\n"
               "  Runs/0\n"
               "Suite.\n"
               "  DISABLED_Runs\n"
               "  IsNotDISABLED_\n"));
  EXPECT_THAT(list_tests(program.path(), "*").value(), ElementsAre("Suite.IsNotDISABLED_"));
}

TEST(TestList, SkipsWhatMainSaysFirst) {
  const Script program(
      printing("Running main() from gtest_main.cc\n"
               "A banner.\n"
               "  with a second line\n"
               "Suite.\n"
               "  Runs\n"));
  EXPECT_THAT(list_tests(program.path(), "*").value(), ElementsAre("Suite.Runs"));
}

TEST(TestList, PassesTheFilterOn) {
  const Script program("[ \"$*\" = \"--gtest_list_tests --gtest_filter=A.*-A.B\" ] || exit 9\n" +
                       printing("A.\n  C\n"));
  EXPECT_THAT(list_tests(program.path(), "A.*-A.B").value(), ElementsAre("A.C"));
}

TEST(TestList, AgreesWithThisVeryProgram) {
  EXPECT_THAT(
      list_tests(fs::read_symlink("/proc/self/exe"), "TestList.AgreesWithThisVery*").value(),
      ElementsAre("TestList.AgreesWithThisVeryProgram"));
}

TEST(TestList, AnEmptyListIsAFailureThatNamesTheFilter) {
  const Script program("true\n");
  const auto tests = list_tests(program.path(), "Nothing.*");
  ASSERT_FALSE(tests);
  EXPECT_EQ(tests.error().code, ExitCode::could_not_start);
  EXPECT_THAT(tests.error().message, HasSubstr("no test matches the filter \"Nothing.*\""));
}

// A test that is not understood must not just be missing from the list.
TEST(TestList, ALineThatIsNoTestIsAFailure) {
  for (const std::string line : {"  two words", "noise", " OneBlank", ""}) {
    const Script program(printing("Suite.\n  Runs\n" + line + "\n  Ends\n"));
    const auto tests = list_tests(program.path(), "*");
    ASSERT_FALSE(tests) << line;
    EXPECT_THAT(tests.error().message, HasSubstr("a line that is no test: " + line));
  }
}

TEST(TestList, AProgramThatFailsIsAFailureWithItsWords) {
  const Script program(printing("Suite.\n  Runs\n") + "echo 'no such library' >&2; exit 127\n");
  const auto tests = list_tests(program.path(), "*");
  ASSERT_FALSE(tests);
  EXPECT_EQ(tests.error().code, ExitCode::could_not_start);
  EXPECT_THAT(tests.error().message, HasSubstr("no such library"));
}

TEST(TestList, AMissingProgramIsNamed) {
  const auto tests = list_tests("/no/such/payload", "*");
  ASSERT_FALSE(tests);
  EXPECT_THAT(tests.error().message, HasSubstr("/no/such/payload"));
}

}  // namespace
}  // namespace nsgate::lab
