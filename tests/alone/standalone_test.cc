// SPDX-License-Identifier: Apache-2.0
//
// The program as a person runs it, with tests that end in every way in which tests end
// (sample/sample_tests.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <regex>
#include <sstream>

#include "support/scratch_directory.h"

namespace {

namespace fs = std::filesystem;
using nsgate::test::ScratchDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return std::move(text).str();
}

struct Said {
  int exit;
  std::string out, err;
};

class Standalone : public testing::Test {
 protected:
  /// By a shell, which also leaves a descriptor open that no test may inherit.
  Said run(const std::string& arguments, const std::string& environment = "") {
    const auto out = scratch_.path() / "out";
    const auto err = scratch_.path() / "err";
    const auto temporary = scratch_.path() / "tmp";
    fs::create_directories(temporary);
    const auto command = "TMPDIR=" + temporary.string() + ' ' + environment + ' ' + program_ + ' ' +
                         arguments + " 9</dev/null >" + out.string() + " 2>" + err.string();
    const int status = std::system(command.c_str());
    EXPECT_TRUE(fs::is_empty(temporary)) << "left behind";
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(out), content(err)};
  }

  fs::path path(const std::string& name) const { return scratch_.path() / name; }

  std::string program_ = NSGATE_SAMPLE_TESTS;

 private:
  ScratchDirectory scratch_;
};

TEST_F(Standalone, ListsTheBehavioursWithTheirTests) {
  const auto said = run("--list-behaviours");
  EXPECT_EQ(said.exit, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("TR01      3  the sample passes\n"));
  EXPECT_THAT(said.out, HasSubstr("TR04      0  what nobody tests (left out: it is a sample)\n"));

  const auto list = nlohmann::json::parse(run("--list-behaviours --json").out);
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[2]["id"], "TR03");
  EXPECT_EQ(list[2]["tests"], nlohmann::json({"Skip.Root"}));
  EXPECT_EQ(list[3]["left_out"], "it is a sample");
}

TEST_F(Standalone, CatalogueThatAgreesIsSaid) {
  const auto said = run("--check-catalogue");
  EXPECT_EQ(said.exit, 0) << said.out;
  EXPECT_THAT(said.err, HasSubstr("4 behaviours, 9 tests, 0 discrepancies"));
}

TEST_F(Standalone, BehaviourSelectsItsTests) {
  const auto said = run("--behaviour tr01 -v");
  EXPECT_EQ(said.exit, 0) << said.out << said.err;
  EXPECT_THAT(said.out, HasSubstr("PASS Good.Passes [TR01]\n"));
  EXPECT_THAT(said.out, HasSubstr("PASS Good.HasADirectory"));
  EXPECT_THAT(said.out, HasSubstr(": 3 passed, 0 failed, 0 skipped; 1 behaviour proven; "));
  EXPECT_THAT(said.out, Not(HasSubstr("Bad.")));
}

TEST_F(Standalone, UnknownBehaviourIsNamedWithWhatIsLikeIt) {
  const auto said = run("--behaviour TR05");
  EXPECT_EQ(said.exit, 125);
  EXPECT_EQ(said.err,
            "nsgate-tests: there is no behaviour TR05; did you mean TR01, TR02, TR03, TR04?\n");
  EXPECT_THAT(said.out, IsEmpty());
}

TEST_F(Standalone, WhatCannotBeDoneIsNoVerdict) {
  EXPECT_THAT(run("--behaviour TR04").err, HasSubstr("TR04 has no test: it is a sample"));
  EXPECT_EQ(run("--behaviour TR04").exit, 125);
  EXPECT_EQ(run("--filter Nothing.*").exit, 125);
  EXPECT_EQ(run("--no-such-option").exit, 125);
  EXPECT_EQ(run("--ktap --json").exit, 125);
  EXPECT_EQ(run("--require TR99").exit, 125);
  EXPECT_EQ(run("--filter Good.* --json /no/such/folder/file").exit, 125);
  EXPECT_EQ(run("--gtest_filter=Good.Passes --ktap").exit, 125);
}

TEST_F(Standalone, FailureIsToldWithItsBehaviour) {
  const auto said = run("--filter Good.*:Bad.Fails");
  EXPECT_EQ(said.exit, 1);
  EXPECT_THAT(said.out, HasSubstr("FAIL Bad.Fails [TR02]\n"));
  EXPECT_THAT(said.out, HasSubstr("    ok 1 forged\n"));
  EXPECT_THAT(said.out, HasSubstr("Behaviours that failed:\n  TR02  the sample fails\n"));
  EXPECT_THAT(said.out, HasSubstr("2 passed, 1 failed, 0 skipped"));
}

TEST_F(Standalone, EveryDeathIsAFailureAndCostsOneTest) {
  const auto said = run("--filter Bad.*:Good.Passes");
  EXPECT_EQ(said.exit, 1);
  EXPECT_THAT(said.out, HasSubstr("Bad.Crashes [TR02]\n    killed by SIGSEGV"));
  EXPECT_THAT(said.out, HasSubstr("Bad.ExitsZeroWithoutResult [TR02]\n    exited with 0 and left "
                                  "no report"));
  EXPECT_THAT(said.out, HasSubstr("Bad.SkipsWithoutAReason [TR02]\n    skipped for a reason"));
  EXPECT_THAT(said.out, HasSubstr("1 passed, 4 failed, 0 skipped"));
}

TEST_F(Standalone, HangIsKilledAtTheDeadline) {
  const auto said = run("--filter Hang.*:Good.Passes --deadline 1");
  EXPECT_EQ(said.exit, 124);
  EXPECT_THAT(said.out, HasSubstr("FAIL Hang.Stays [TR02]\n    no end within 1 s"));
  EXPECT_THAT(said.out, HasSubstr("1 passed, 1 failed"));
  EXPECT_EQ(run("--filter Hang.*:Bad.Fails --deadline 1").exit, 1);
}

TEST_F(Standalone, SkipsAreCountedByReasonAndMayBeForbidden) {
  const auto said = run("--filter Skip.*:Good.Passes");
  EXPECT_EQ(said.exit, 0);
  EXPECT_THAT(said.out, HasSubstr("SKIP 1 test: needs root: pretends that it was started without"));
  EXPECT_THAT(said.out, HasSubstr("1 behaviour not proven by any test that passed: TR03\n"));
  EXPECT_EQ(run("--filter Skip.*").exit, 4);
  EXPECT_EQ(run("--filter Skip.*:Good.Passes --forbid-skips").exit, 1);
}

TEST_F(Standalone, WhatIsRequiredMustBeProven) {
  EXPECT_EQ(run("--filter Good.* --require TR01,rootless").exit, 0);
  const auto said = run("--filter Good.*:Skip.* --require TR01,nested");
  EXPECT_EQ(said.exit, 1);
  EXPECT_THAT(said.out, HasSubstr("Required, and not proven: TR03\n"));
}

TEST_F(Standalone, KtapHasAPlanALineForEachTestAndNothingElse) {
  const auto said = run("--filter Good.Passes:Skip.*:Bad.Fails:Hang.* --ktap --deadline 1");
  EXPECT_EQ(said.exit, 1);
  std::istringstream lines(said.out);
  const std::regex result("(ok|not ok) [0-9]+ [^#]+( # (SKIP|TIMEOUT|ERROR) .*)?");
  int results = 0;
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "KTAP version 1");
  std::getline(lines, line);
  EXPECT_EQ(line, "1..4");
  while (std::getline(lines, line)) {
    if (line.starts_with("# ")) continue;
    EXPECT_TRUE(std::regex_match(line, result)) << line;
    ++results;
  }
  EXPECT_EQ(results, 4);
  EXPECT_THAT(said.out, AllOf(HasSubstr("\nok 1 Good.Passes\n"),
                              HasSubstr("\nok 2 Skip.Root # SKIP needs root: pretends"),
                              HasSubstr("\nnot ok 3 Bad.Fails\n"),
                              HasSubstr("\nnot ok 4 Hang.Stays # TIMEOUT no end within 1 s")));
  EXPECT_THAT(said.err, HasSubstr("1 passed, 2 failed, 1 skipped"));
}

TEST_F(Standalone, JunitAndJsonHoldEveryResult) {
  const auto xml = path("junit.xml");
  const auto json = path("results.json");
  const auto said = run("--filter Good.Passes:Skip.*:Bad.Fails --junit " + xml.string() +
                        " --json " + json.string());
  EXPECT_EQ(said.exit, 1) << said.err;
  pugi::xml_document document;
  ASSERT_TRUE(document.load_file(xml.c_str()));
  const auto suite = document.child("testsuites").child("testsuite");
  EXPECT_EQ(suite.attribute("tests").as_int(), 3);
  EXPECT_EQ(suite.attribute("failures").as_int(), 1);
  EXPECT_EQ(suite.attribute("skipped").as_int(), 1);
  const auto results = nlohmann::json::parse(content(json));
  EXPECT_EQ(results["exit_code"], 1);
  EXPECT_EQ(results["tests"].size(), 3u);
  EXPECT_EQ(results["behaviours"]["TR02"]["standing"], "failed");
  EXPECT_EQ(results["behaviours"]["TR03"]["standing"], "unproven");
}

TEST_F(Standalone, ProcessesThatATestLeftAreKilled) {
  const auto file = path("daemon");
  const auto said = run("--filter Leave.*", "SAMPLE_DAEMON=" + file.string());
  EXPECT_EQ(said.exit, 0) << said.out;
  const auto daemon = std::stoi(content(file));
  EXPECT_EQ(::kill(daemon, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(Standalone, InterruptKillsTheTestAndTellsWhatWasThere) {
  const auto results = path("results").string();
  const auto script = path("script");
  std::ofstream(script) << program_ << " -v --filter Good.Passes:Hang.* >" << results << " &\n"
                        << "until grep -q ^PASS " << results << "; do sleep 0.02; done\n"
                        << "kill -TERM $!; wait $!; code=$?; cat " << results << "; exit $code\n";
  program_ = "sh";
  const auto said = run(script);
  EXPECT_EQ(said.exit, 130) << said.err;
  EXPECT_THAT(said.out, HasSubstr("interrupted after 1 of 2 tests: 1 passed, 0 failed"));
}

TEST_F(Standalone, GoogleTestsOwnOptionsMakeItAGoogleTestProgram) {
  const auto said =
      run("--gtest_filter=Good.Passes --gtest_output=json:" + path("own.json").string());
  EXPECT_EQ(said.exit, 0);
  EXPECT_THAT(said.out, HasSubstr("[  PASSED  ] 1 test."));
  EXPECT_EQ(nlohmann::json::parse(content(path("own.json")))["tests"], 1);
  EXPECT_THAT(run("--gtest_list_tests").out, HasSubstr("Good.\n  Passes\n"));
}

TEST_F(Standalone, FolderThatIsIncompleteIsNoVerdict) {
  fs::copy_file(program_, path("alone"));
  program_ = path("alone");
  const auto said = run("--filter Good.*");
  EXPECT_EQ(said.exit, 125);
  EXPECT_THAT(said.err, HasSubstr("nsgate_helper is missing"));
}

TEST_F(Standalone, TellsItsVersionAndItsExitCodes) {
  EXPECT_THAT(run("--version").out, StartsWith("nsgate-tests "));
  const auto help = run("--help");
  EXPECT_EQ(help.exit, 0);
  EXPECT_THAT(help.out, HasSubstr("125  nothing was tested"));
}

}  // namespace
