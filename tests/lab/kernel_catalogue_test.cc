// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using ::testing::HasSubstr;

constexpr auto whole = R"([[series]]
name = "sid"
main_suites = ["sid"]
meta_package = "linux-image-amd64"
image_package_prefix = "linux-binary-"
image = "usr/lib/modules/{release}/vmlinuz"
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
  ASSERT_EQ(catalogue->size(), 1U);
  EXPECT_EQ(catalogue->front().release_of("linux-binary-7.2-amd64"), "7.2-amd64");
  EXPECT_EQ(catalogue->front().image_of("linux-binary-7.2-amd64"),
            "usr/lib/modules/7.2-amd64/vmlinuz");
}

TEST(KernelCatalogue, ASlipIsReportedWithFileAndLine) {
  EXPECT_THAT(failure_of(whole_with("[\"sid\"]", "[\"sid")), HasSubstr("kernels.toml:3: "));
}

TEST(KernelCatalogue, ASeriesThatIsNotWholeIsReportedWithItsLine) {
  const std::string good = whole;
  const auto second = [&](const std::string& from, const std::string& to) {
    return failure_of(whole_with("\"sid\"", "\"first\"") + whole_with(from, to));
  };
  EXPECT_THAT(second("{release}", "any"), AllOf(HasSubstr(":7: "), HasSubstr("image")));
  EXPECT_THAT(second("\"sid\"", "\"a/b\""), AllOf(HasSubstr(":7: "), HasSubstr("slash")));
  EXPECT_THAT(second("main_suites", "main"), AllOf(HasSubstr(":7: "), HasSubstr("main_suites")));
  EXPECT_THAT(second("[\"sid\"]", "[1]"), AllOf(HasSubstr(":7: "), HasSubstr("lists")));
  EXPECT_THAT(second("meta_package", "meta"), AllOf(HasSubstr(":7: "), HasSubstr("meta_package")));
  EXPECT_THAT(failure_of(good + good), AllOf(HasSubstr(":7: "), HasSubstr("second series")));
}

TEST(KernelCatalogue, AFileWithoutSeriesIsRefused) {
  EXPECT_THAT(failure_of("# nothing\n"), HasSubstr("[[series]]"));
}

}  // namespace
}  // namespace nsgate::lab
