// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/userland_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto whole = R"(exclude = ["usr/share/doc"]

[[userland]]
name = "none"
unmet = ["tools"]

[[userland]]
name = "sid"
suite = "sid"
packages = ["libc6", "dash"]
)";

std::string failure_of(const std::string& text) {
  const ScratchFolder folder;
  const auto catalogue = load_userland_catalogue(folder.write("userlands.toml", text));
  return catalogue ? "" : catalogue.error().message;
}

std::string whole_with(const std::string& from, const std::string& to) {
  std::string text = whole;
  return text.replace(text.find(from), from.size(), to);
}

TEST(UserlandCatalogue, TellsWhatIsLaidThereAndWhatIsLeftOut) {
  const ScratchFolder folder;

  const auto catalogue = load_userland_catalogue(folder.write("userlands.toml", whole));

  ASSERT_TRUE(catalogue) << catalogue.error().message;
  ASSERT_EQ(catalogue->size(), 2U);
  EXPECT_EQ(catalogue->at(0).name, "none");
  EXPECT_THAT(catalogue->at(0).unmet, ElementsAre("tools"));
  EXPECT_THAT(catalogue->at(0).excluded, IsEmpty());
  EXPECT_EQ(catalogue->at(1).suite, "sid");
  EXPECT_THAT(catalogue->at(1).packages, ElementsAre("libc6", "dash"));
  EXPECT_THAT(catalogue->at(1).excluded, ElementsAre("usr/share/doc"));
}

TEST(UserlandCatalogue, ASlipIsReportedWithFileAndLine) {
  EXPECT_THAT(failure_of(whole_with("[\"tools\"]", "[\"tools")), HasSubstr("userlands.toml:5: "));
}

TEST(UserlandCatalogue, AUserlandThatIsNotWholeIsReportedWithItsLine) {
  const auto second = [](const std::string& from, const std::string& to) {
    return failure_of(whole_with(from, to));
  };
  EXPECT_THAT(second("name = \"sid\"", "name = \"a/b\""),
              AllOf(HasSubstr(":7: "), HasSubstr("name")));
  EXPECT_THAT(second("name = \"sid\"", "name = \"none\""),
              AllOf(HasSubstr(":7: "), HasSubstr("second userland")));
  EXPECT_THAT(second("suite = \"sid\"\n", ""), AllOf(HasSubstr(":7: "), HasSubstr("neither")));
  EXPECT_THAT(second("packages", "package"), AllOf(HasSubstr(":7: "), HasSubstr("\"package\"")));
  EXPECT_THAT(second("\"dash\"", "7"), AllOf(HasSubstr(":7: "), HasSubstr("lists")));
}

TEST(UserlandCatalogue, WhatAptWouldTakeForSomethingElseIsNoName) {
  for (const char* package : {"-oDir=/", "?essential", "dash,apt", "dash/sid", "*"}) {
    SCOPED_TRACE(package);
    EXPECT_THAT(failure_of(whole_with("\"dash\"", '"' + std::string(package) + '"')),
                AllOf(HasSubstr(":7: "), HasSubstr("no package")));
  }
  EXPECT_THAT(failure_of(whole_with("suite = \"sid\"", "suite = \"sid main\"")),
              HasSubstr("no suite"));
}

TEST(UserlandCatalogue, WhatIsLeftOutLiesInside) {
  EXPECT_THAT(failure_of(whole_with("usr/share/doc", "/usr")), HasSubstr(":1: "));
  EXPECT_THAT(failure_of(whole_with("usr/share/doc", "usr/../..")), HasSubstr(":1: "));
}

TEST(UserlandCatalogue, AFileWithoutUserlandsIsRefused) {
  EXPECT_THAT(failure_of("# nothing\n"), HasSubstr("[[userland]]"));
}

}  // namespace
}  // namespace nsgate::lab
