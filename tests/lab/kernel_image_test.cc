// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <string_view>

#include "fake_mirror.h"
#include "lab/kernels/bzimage.h"
#include "lab/kernels/deb.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"

namespace nsgate::lab {
namespace {

using ::testing::HasSubstr;

std::string why_no_bzimage(const std::string& bytes) {
  const ScratchFolder folder;
  const auto image = read_bzimage(folder.write("image", bytes));
  return image ? "" : image.error().message;
}

TEST(ReadBzimage, TellsTheReleaseOfTheSetupHeader) {
  const ScratchFolder folder;

  const auto image = read_bzimage(folder.write("image", tiny_kernel("6.1.0-9-amd64")));

  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->release, "6.1.0-9-amd64");
}

TEST(ReadBzimage, AHeaderWithoutAVersionGivesAnEmptyRelease) {
  auto bytes = tiny_kernel("6.1");
  bytes[0x20f] = 0;
  EXPECT_EQ(why_no_bzimage(bytes), "");
  bytes[0x20f] = '\x7f';  // points behind the setup code
  const ScratchFolder folder;

  const auto image = read_bzimage(folder.write("image", bytes));

  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->release, "");
}

TEST(ReadBzimage, AFileThatIsNoKernelIsRefused) {
  EXPECT_THAT(why_no_bzimage(std::string(5000, 'x')), HasSubstr("is no bzImage: it lacks"));
  EXPECT_THAT(why_no_bzimage(""), HasSubstr("is no bzImage: it lacks"));
}

TEST(ReadBzimage, AFileThatEndsWithinTheHeaderIsRefused) {
  EXPECT_THAT(why_no_bzimage(tiny_kernel("6.1").substr(0, 0x206)), HasSubstr("is no bzImage"));
}

TEST(ReadBzimage, AFileShorterThanItsHeaderSaysIsRefused) {
  EXPECT_THAT(why_no_bzimage(tiny_kernel("6.1").substr(0, 1039)),
              HasSubstr("promises 1040 bytes and it has 1039"));
}

TEST(ReadBzimage, AnImageToBeLoadedLowIsRefused) {
  auto bytes = tiny_kernel("2.0");
  bytes[0x211] = 0;
  EXPECT_THAT(why_no_bzimage(bytes), HasSubstr("zImage"));
}

TEST(ReadBzimage, AFolderIsRefusedWithAWordAboutBuildTrees) {
  const auto image = read_bzimage("/");

  ASSERT_FALSE(image);
  EXPECT_THAT(image.error().message, HasSubstr("arch/x86/boot/bzImage"));
}

TEST(ReadBzimage, AMissingFileIsNamed) {
  const auto image = read_bzimage("/nonexistent/bzImage");

  ASSERT_FALSE(image);
  EXPECT_THAT(image.error().message, HasSubstr("/nonexistent/bzImage"));
}

bool is_vmlinuz(std::string_view member) { return member == "boot/vmlinuz"; }

TEST(UnpackDeb, TheMemberIsUnpackedUnchanged) {
  const ScratchFolder folder;
  FakeMirror mirror;
  const std::string bytes(300'000, '\x9f');
  mirror.add("linux", "1", "", {{"boot/other", "no"}, {"boot/vmlinuz", bytes}});

  const auto done = unpack_deb(mirror.deb("linux", "1"), folder.path(), is_vmlinuz);

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(contents(folder.path() / "boot/vmlinuz"), bytes);
}

TEST(UnpackDeb, WhatIsNotWantedIsNotWritten) {
  const ScratchFolder folder;
  FakeMirror mirror;
  mirror.add("linux", "1", "", {{"boot/other", "no"}});

  const auto done = unpack_deb(mirror.deb("linux", "1"), folder.path(), is_vmlinuz);

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(UnpackDeb, APathThatLeadsOutIsRefused) {
  const ScratchFolder folder;
  folder.write("outside", "");
  folder.write("debian-binary", "2.0\n");
  must_run({"sh", "-c",
            "cd " + folder.path().string() +
                " && mkdir in && tar --create --absolute-names --file data.tar --transform "
                "'s,^,../,' outside && ar rcU bad.deb debian-binary data.tar && rm outside"});

  const auto done = unpack_deb(folder.path() / "bad.deb", folder.path() / "in",
                               [](std::string_view) { return true; });

  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("leads out"));
  EXPECT_FALSE(exists(folder.path() / "outside"));
}

TEST(UnpackDeb, AFileThatIsNoPackageIsRefused) {
  const ScratchFolder folder;

  EXPECT_FALSE(unpack_deb(folder.write("a.deb", "rubbish"), folder.path(), is_vmlinuz));
  EXPECT_FALSE(unpack_deb(folder.write("a.deb", "!<arch>\n"), folder.path(), is_vmlinuz));
}

TEST(UnpackDeb, ACutPackageIsAFailureAndNoFileIsLeft) {
  const ScratchFolder folder;
  FakeMirror mirror;
  mirror.add("linux", "1", "", {{"boot/vmlinuz", std::string(300'000, 'k')}});
  const auto deb = mirror.deb("linux", "1");
  std::filesystem::resize_file(deb, std::filesystem::file_size(deb) - 60);

  EXPECT_FALSE(unpack_deb(deb, folder.path(), is_vmlinuz));

  EXPECT_FALSE(exists(folder.path() / "boot/vmlinuz"));
}

TEST(UnpackDeb, AWriteThatFailsIsExplainedAndLeavesNoFile) {
  const ScratchFolder folder;
  FakeMirror mirror;
  mirror.add("linux", "1", "", {{"boot/vmlinuz", std::string(300'000, 'k')}});
  // Stands for a full disk, which cannot be had without privileges.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{100'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);

  const auto done = unpack_deb(mirror.deb("linux", "1"), folder.path(), is_vmlinuz);
  ::setrlimit(RLIMIT_FSIZE, &before);

  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("File too large"));
  EXPECT_FALSE(exists(folder.path() / "boot/vmlinuz"));
}

}  // namespace
}  // namespace nsgate::lab
