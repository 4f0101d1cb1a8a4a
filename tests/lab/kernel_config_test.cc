// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = KernelConfig::State;

constexpr auto text =
    "#\n# Linux/x86 6.1 Kernel Configuration\n#\nCONFIG_USER_NS=y\nCONFIG_VETH=m\n"
    "# CONFIG_KASAN is not set\nCONFIG_HZ=250\nCONFIG_LSM=\"landlock,yama\"\r\n"
    "CONFIG_PC104=n\nCONFIG_DEFAULT_HOSTNAME=\"(none)=y\"\n";

std::string failure_of(const std::string& lines) {
  const auto config = KernelConfig::parse(lines, "config");
  return config ? "" : config.error().message;
}

TEST(KernelConfig, TellsBuiltInFromModuleFromAbsent) {
  const auto config = value_of(KernelConfig::parse(text, "config"));

  EXPECT_EQ(config.state("CONFIG_USER_NS"), State::built_in);
  EXPECT_EQ(config.state("CONFIG_VETH"), State::module);
  EXPECT_EQ(config.state("CONFIG_HZ"), State::built_in);
  EXPECT_EQ(config.state("CONFIG_KASAN"), State::absent);
  EXPECT_EQ(config.state("CONFIG_PC104"), State::absent);
  EXPECT_EQ(config.state("CONFIG_USER"), State::absent);
  EXPECT_EQ(config.value("CONFIG_LSM"), "\"landlock,yama\"");
  EXPECT_EQ(config.value("CONFIG_DEFAULT_HOSTNAME"), "\"(none)=y\"");
}

TEST(KernelConfig, OfARepeatedOptionTheLastCounts) {
  const auto config = value_of(KernelConfig::parse("CONFIG_A=y\nCONFIG_A=m\n", "config"));

  EXPECT_EQ(config.state("CONFIG_A"), State::module);
}

TEST(KernelConfig, MissingOptionsAreThoseNeitherBuiltInNorModules) {
  const auto config = value_of(KernelConfig::parse(text, "config"));

  EXPECT_THAT(
      missing_options(config, {"CONFIG_VETH", "CONFIG_KASAN", "CONFIG_USER_NS", "CONFIG_X"}),
      ElementsAre("CONFIG_KASAN", "CONFIG_X"));
  EXPECT_THAT(missing_options(config, {}), IsEmpty());
}

TEST(KernelConfig, ALineOfSomethingElseIsReportedWithItsNumber) {
  EXPECT_THAT(failure_of("CONFIG_A=y\nroot:x:0:0\n"), HasSubstr("config:2: "));
  EXPECT_THAT(failure_of("CONFIG_A=y\n\nCONFIG_B-C=y\n"), HasSubstr("config:3: "));
  EXPECT_THAT(failure_of("CONFIG_=y\n"), HasSubstr("config:1: "));
  EXPECT_THAT(failure_of(std::string("\x7f\0\n\xff", 4)), HasSubstr("config:1: "));
}

TEST(KernelConfig, AFileWithoutAnyOptionIsRefused) {
  EXPECT_THAT(failure_of("# nothing\n"), HasSubstr("sets no CONFIG_ option"));
}

TEST(KernelConfig, AFileThatCannotBeReadIsNamed) {
  const ScratchFolder folder;
  for (const auto& file : {folder.path() / "absent", folder.path()}) {
    const auto config = KernelConfig::load(file);

    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, HasSubstr(file.string() + ": "));
  }
}

}  // namespace
}  // namespace nsgate::lab
