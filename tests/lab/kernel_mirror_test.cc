// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fake_mirror.h"
#include "fake_module.h"
#include "lab/kernels/kernel_folder.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using ::testing::HasSubstr;

const KernelSeries series{.name = "7",
                          .flavour = {},
                          .main_suites = {"tame"},
                          .security_suites = {},
                          .meta_package = "linux-meta",
                          .image_package_prefix = "linux-binary-",
                          .image = "usr/{release}"};

/// The folder keeps what the mirror object builds.
KernelMirror open_mirror(const FakeMirror& mirror, const ScratchFolder& folder) {
  return value_of(KernelMirror::open(series, value_of(AptMirrors::of_this_machine()),
                                     mirror.keyring(), folder.path() / "apt"));
}

TEST(KernelMirror, TheNewestOfASplitKernelIsFoundOneDependencyFurther) {
  FakeMirror mirror;
  mirror.add("linux-meta", "7-1", "kmod, linux-image-7.2 (= 7-1)", {});
  mirror.add("linux-image-7.2", "7-1", "dracut | tools (>= 1), linux-binary-7.2 (= 7-1)", {});
  mirror.add("linux-binary-7.2", "7-1", "", {{"usr/7.2", tiny_kernel("7.2")}});
  mirror.publish();
  const ScratchFolder folder;

  const auto newest = open_mirror(mirror, folder).newest();

  ASSERT_TRUE(newest) << newest.error().message;
  EXPECT_EQ(newest->front().package, "linux-binary-7.2");
  EXPECT_EQ(newest->front().version, "7-1");
  EXPECT_EQ(newest->front().suite, "tame");
}

TEST(KernelMirror, TheCompanionsOfASplitKernelComeWithIt) {
  FakeMirror mirror;
  mirror.add("linux-meta", "7", "linux-binary-7.2 (= 7)", {});
  mirror.add("linux-binary-7.2", "7", "", {{"usr/7.2/vmlinuz", tiny_kernel("7.2")}});
  mirror.add("linux-modules-7.2", "7", "",
             {{"usr/7.2/kernel/a.ko", fake_module("7.2")},
              {"usr/7.2/kernel/b.ko", fake_module("7.2", "a")}});
  mirror.add("linux-base-7.2", "7", "", {{"usr/7.2/config", "CONFIG_A=m\n"}});
  mirror.publish();
  auto split = series;
  split.companion_prefixes = {"linux-modules-", "linux-base-"};
  split.image = "usr/{release}/vmlinuz";
  split.config = "usr/{release}/config";
  split.modules = "usr/{release}";
  const ScratchFolder folder;
  const auto opened = value_of(KernelMirror::open(split, value_of(AptMirrors::of_this_machine()),
                                                  mirror.keyring(), folder.path() / "apt"));

  const auto taken = value_of(opened.take(value_of(opened.newest()), {"b"}));
  const auto stored = value_of(read_kernel_folder(taken.folder, Stamps::leave));

  EXPECT_EQ(taken.kernel.packages.size(), 3U);
  EXPECT_EQ(taken.kernel.packages[2].sha256,
            value_of(sha256_of(mirror.deb("linux-base-7.2", "7"))));
  ASSERT_TRUE(stored);
  EXPECT_EQ(contents(stored->config), "CONFIG_A=m\n");
  EXPECT_EQ(stored->modules.size(), 2U);
  EXPECT_THAT(value_of(opened.find(taken.kernel)), ::testing::Optional(::testing::SizeIs(3)));
  auto other = taken.kernel;
  other.packages[1].sha256 = std::string(64, '0');
  EXPECT_FALSE(opened.find(other));
  other.packages[1].version = "6";
  EXPECT_FALSE(value_of(opened.find(other)));
}

TEST(KernelMirror, AMissingCompanionIsReported) {
  FakeMirror mirror;
  mirror.add("linux-meta", "7", "linux-binary-7.2 (= 7)", {});
  mirror.add("linux-binary-7.2", "7", "", {});
  mirror.publish();
  auto split = series;
  split.companion_prefixes = {"linux-modules-"};
  const ScratchFolder folder;
  const auto opened = value_of(KernelMirror::open(split, value_of(AptMirrors::of_this_machine()),
                                                  mirror.keyring(), folder.path() / "apt"));

  const auto newest = opened.newest();

  ASSERT_FALSE(newest);
  EXPECT_THAT(newest.error().message, HasSubstr("lacks linux-modules-7.2=7"));
}

TEST(KernelMirror, OfTwoVersionsTheNewestIsTaken) {
  FakeMirror mirror;
  for (const std::string version : {"7-9", "7-10", "7-2"}) {
    mirror.add("linux-meta", version, "linux-binary-7." + version + " (= " + version + ")", {});
    mirror.add("linux-binary-7." + version, version, "", {});
  }
  mirror.publish();
  const ScratchFolder folder;

  EXPECT_EQ(value_of(open_mirror(mirror, folder).newest()).front().version, "7-10");
}

TEST(KernelMirror, AnImageThatHasMovedElsewhereIsReportedWithTheSeries) {
  FakeMirror mirror;
  mirror.add("linux-meta", "7", "linux-kernel-7.2 (= 7)", {});
  mirror.publish();
  const ScratchFolder folder;

  const auto newest = open_mirror(mirror, folder).newest();

  ASSERT_FALSE(newest);
  EXPECT_THAT(newest.error().message,
              AllOf(HasSubstr("linux-meta"), HasSubstr("linux-binary-"), HasSubstr("series 7")));
}

TEST(KernelMirror, AMirrorInTheMiddleOfAnUpdateIsReported) {
  FakeMirror mirror;
  mirror.add("linux-meta", "7", "linux-binary-7.2 (= 7)", {});
  mirror.publish();
  const ScratchFolder folder;

  const auto newest = open_mirror(mirror, folder).newest();

  ASSERT_FALSE(newest);
  EXPECT_THAT(newest.error().message, HasSubstr("linux-binary-7.2=7, which the mirror lacks"));
}

TEST(KernelMirror, ADownloadIsHashedAgainAfterApt) {
  FakeMirror mirror;
  mirror.add("linux-meta", "7", "linux-binary-7.2 (= 7)", {});
  mirror.add("linux-binary-7.2", "7", "", {{"usr/7.2", tiny_kernel("7.2")}});
  mirror.publish();
  const ScratchFolder folder;
  const auto opened = open_mirror(mirror, folder);
  auto packages = value_of(opened.newest());
  const bool honest = opened.take(packages, {}).has_value();
  packages.front().sha256 = std::string(64, '0');

  const auto taken = opened.take(packages, {});

  EXPECT_TRUE(honest);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("is not what the signed index says"));
}

}  // namespace
}  // namespace nsgate::lab
