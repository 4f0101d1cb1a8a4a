// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lab/kernels/kernel_lock.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto whole = R"([[series]]
name = "sid"
main_suites = ["sid"]
meta_package = "linux-image-amd64"
image_package_prefix = "linux-binary-"
image = "usr/lib/modules/{release}/vmlinuz"
config = "usr/lib/modules/{release}/config"
flavour = "cloud"
default = true
companion_prefixes = ["linux-modules-"]
)";

std::string failure_of(const std::string& text) {
  const ScratchFolder folder;
  const auto catalogue = load_kernel_catalogue(folder.write("kernels.toml", text));
  return catalogue ? "" : catalogue.error().message;
}

std::string whole_with(const std::string& from, const std::string& to) {
  std::string text = whole;
  return text.replace(text.find(from), from.size(), to);
}

TEST(KernelCatalogue, TellsReleaseAndImageFromTheNameOfThePackage) {
  const ScratchFolder folder;

  const auto catalogue = load_kernel_catalogue(folder.write("kernels.toml", whole));

  ASSERT_TRUE(catalogue) << catalogue.error().message;
  ASSERT_EQ(catalogue->series.size(), 1U);
  const auto& series = catalogue->series.front();
  EXPECT_EQ(series.release_of("linux-binary-7.2-amd64"), "7.2-amd64");
  EXPECT_EQ(KernelSeries::at_release(series.image, "7.2-amd64"),
            "usr/lib/modules/7.2-amd64/vmlinuz");
  EXPECT_EQ(series.flavour, "cloud");
  EXPECT_TRUE(series.is_default);
  EXPECT_THAT(series.companion_prefixes, ElementsAre("linux-modules-"));
  EXPECT_EQ(series.modules, "");
}

TEST(KernelCatalogue, ASlipIsReportedWithFileAndLine) {
  EXPECT_THAT(failure_of(whole_with("[\"sid\"]", "[\"sid")), HasSubstr("kernels.toml:3: "));
}

TEST(KernelCatalogue, ASeriesThatIsNotWholeIsReportedWithItsLine) {
  const std::string good = whole;
  const auto second = [&](const std::string& from, const std::string& to) {
    return failure_of(whole_with("\"sid\"", "\"first\"") + whole_with(from, to));
  };
  EXPECT_THAT(second("{release}", "any"), AllOf(HasSubstr(":11: "), HasSubstr("image")));
  EXPECT_THAT(second("\"sid\"", "\"a/b\""), AllOf(HasSubstr(":11: "), HasSubstr("slash")));
  EXPECT_THAT(second("main_suites", "main"), AllOf(HasSubstr(":11: "), HasSubstr("main_suites")));
  EXPECT_THAT(second("[\"sid\"]", "[1]"), AllOf(HasSubstr(":11: "), HasSubstr("lists")));
  EXPECT_THAT(second("meta_package", "meta"), AllOf(HasSubstr(":11: "), HasSubstr("meta_package")));
  EXPECT_THAT(second("{release}/config", "any"), AllOf(HasSubstr(":11: "), HasSubstr("config")));
  EXPECT_THAT(second("= true", "= 1"), AllOf(HasSubstr(":11: "), HasSubstr("default")));
  EXPECT_THAT(second("[\"linux-modules-\"]", "1"),
              AllOf(HasSubstr(":11: "), HasSubstr("companion_prefixes")));
  EXPECT_THAT(failure_of(good + good), AllOf(HasSubstr(":11: "), HasSubstr("second series")));
}

TEST(KernelCatalogue, ModulesAreNamesAndAnythingElseIsReportedWithItsLine) {
  const ScratchFolder folder;
  const auto catalogue = load_kernel_catalogue(
      folder.write("kernels.toml", std::string("modules = [\"veth\", \"tun\"]\n") + whole));

  ASSERT_TRUE(catalogue) << catalogue.error().message;
  EXPECT_THAT(catalogue->module_wishes, ElementsAre("veth", "tun"));
  for (const std::string wrong : {"1", "[1]", "[\"a/b\"]", "[\"\"]"}) {
    EXPECT_THAT(failure_of("\nmodules = " + wrong + "\n" + whole), HasSubstr("kernels.toml:2: "));
  }
}

/// The file of the project itself.
TEST(KernelCatalogue, TheFourCloudKernelsAreTheDefault) {
  const auto catalogue = load_kernel_catalogue(NSGATE_VM_DIR "/kernels.toml");
  const auto lock = KernelLock::load(NSGATE_VM_DIR "/kernels.lock.json");

  ASSERT_TRUE(catalogue) << catalogue.error().message;
  ASSERT_TRUE(lock) << lock.error().message;
  std::vector<std::string> defaults;
  for (const auto& series : catalogue->series) {
    EXPECT_EQ(series.is_default, series.flavour == "cloud") << series.name;
    if (series.is_default) defaults.push_back(series.name);
    const auto* locked = lock->find(series.name);
    ASSERT_NE(locked, nullptr) << series.name << " is not pinned: run `nsgate kernel update`";
    EXPECT_EQ(locked->packages.size(), 1 + series.companion_prefixes.size()) << series.name;
  }
  EXPECT_THAT(defaults, ElementsAre("5.10", "6.1", "6.12", "sid"));
}

TEST(KernelCatalogue, AFileWithoutSeriesIsRefused) {
  EXPECT_THAT(failure_of("# nothing\n"), HasSubstr("[[series]]"));
}

}  // namespace
}  // namespace nsgate::lab
