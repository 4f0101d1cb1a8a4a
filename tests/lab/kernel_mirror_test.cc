// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fake_mirror.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using ::testing::HasSubstr;

const KernelSeries series{.name = "7",
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
  EXPECT_EQ(newest->package, "linux-binary-7.2");
  EXPECT_EQ(newest->version, "7-1");
  EXPECT_EQ(newest->suite, "tame");
}

TEST(KernelMirror, OfTwoVersionsTheNewestIsTaken) {
  FakeMirror mirror;
  for (const std::string version : {"7-9", "7-10", "7-2"}) {
    mirror.add("linux-meta", version, "linux-binary-7." + version + " (= " + version + ")", {});
    mirror.add("linux-binary-7." + version, version, "", {});
  }
  mirror.publish();
  const ScratchFolder folder;

  EXPECT_EQ(value_of(open_mirror(mirror, folder).newest()).version, "7-10");
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
  auto package = value_of(opened.newest());
  const bool honest = opened.take(package).has_value();
  package.sha256 = std::string(64, '0');

  const auto taken = opened.take(package);

  EXPECT_TRUE(honest);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("is not what the signed index says"));
}

}  // namespace
}  // namespace nsgate::lab
