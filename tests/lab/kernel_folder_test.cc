// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <string>

#include "fake_module.h"
#include "lab/base/sha256.h"
#include "must_run.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A folder with an image, a config and two modules, one of which was compressed.
class FilledFolder {
 public:
  FilledFolder() {
    const auto packed = sources_.write("veth.ko", "the veth module");
    must_run({"xz", "--check=crc32", packed});
    stored_ = value_of(fill_kernel_folder(
        folder(), {.release = "6.1",
                   .image = sources_.write("vmlinuz", "an image"),
                   .config = sources_.write("config", "CONFIG_A=y\n"),
                   .modules = {.files = {sources_.write("pvpanic-mmio.ko", "another"),
                                         packed.string() + ".xz"},
                               .built_in = {"ipv6"},
                               .absent = {"wonder"}},
                   .origin = "here"}));
  }

  fs::path folder() const { return sources_.path() / "kernel"; }
  const StoredKernel& stored() const { return stored_; }
  bool whole(Stamps stamps = Stamps::leave) const {
    return value_of(read_kernel_folder(folder(), stamps)).has_value();
  }
  const ScratchFolder& scratch() const { return sources_; }

  /// Until the clock has ticked since the last file was written, no stamp is relied on.
  void make_stamps_reliable() const {
    struct stat image {};
    struct stat stamps {};
    do {
      fs::remove(folder() / "stamps.json");
      value_of(read_kernel_folder(folder(), Stamps::refresh));
      ::stat((folder() / "image").c_str(), &image);
      ::stat((folder() / "stamps.json").c_str(), &stamps);
    } while (image.st_ctim.tv_sec == stamps.st_ctim.tv_sec &&
             image.st_ctim.tv_nsec == stamps.st_ctim.tv_nsec);
  }

 private:
  ScratchFolder sources_;
  StoredKernel stored_;
};

TEST(KernelFolder, GivesBackWhatWasLaidDown) {
  const FilledFolder filled;

  const auto kernel = value_of(read_kernel_folder(filled.folder(), Stamps::leave));

  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->release, "6.1");
  EXPECT_EQ(kernel->origin, "here");
  EXPECT_EQ(contents(kernel->image), "an image");
  EXPECT_EQ(kernel->image_sha256, value_of(sha256_of(kernel->image)));
  EXPECT_EQ(contents(kernel->config), "CONFIG_A=y\n");
  EXPECT_THAT(kernel->modules, ElementsAre(filled.folder() / "modules/00-pvpanic_mmio.ko",
                                           filled.folder() / "modules/01-veth.ko"));
  EXPECT_EQ(contents(kernel->modules[1]), "the veth module");
  EXPECT_THAT(kernel->built_in, ElementsAre("ipv6"));
  EXPECT_THAT(kernel->absent, ElementsAre("wonder"));
  EXPECT_EQ(filled.stored().modules, kernel->modules);
}

TEST(KernelFolder, AKernelOfWhichNothingIsKnownIsJustThat) {
  const ScratchFolder scratch;

  const auto kernel = value_of(fill_kernel_folder(scratch.path() / "k", KernelParts{}));

  EXPECT_EQ(kernel.image, "");
  EXPECT_EQ(kernel.config, "");
  EXPECT_THAT(kernel.modules, IsEmpty());
}

class KernelFolderFiles : public ::testing::TestWithParam<const char*> {};

TEST_P(KernelFolderFiles, OneThatWasChangedIsNoticedThoughSizeAndTimeAreTheSame) {
  const FilledFolder filled;
  const auto file = filled.folder() / GetParam();
  filled.make_stamps_reliable();
  const auto time = fs::last_write_time(file);
  auto bytes = contents(file);
  bytes.back() ^= 1;
  filled.scratch().write(file, bytes);
  fs::last_write_time(file, time);

  EXPECT_FALSE(filled.whole());
}

TEST_P(KernelFolderFiles, OneThatIsGoneIsNoticed) {
  const FilledFolder filled;
  fs::remove(filled.folder() / GetParam());

  EXPECT_FALSE(filled.whole());
}

INSTANTIATE_TEST_SUITE_P(KernelFolder, KernelFolderFiles,
                         ::testing::Values("image", "config", "modules/01-veth.ko"));

TEST(KernelFolder, AManifestThatIsNoneIsNoKernel) {
  const FilledFolder filled;
  for (const auto* text : {"", "{", "[]", "{\"schema_version\": 1}", "{\"schema_version\": 2}"}) {
    filled.scratch().write(filled.folder() / "manifest.json", text);
    EXPECT_FALSE(filled.whole()) << text;
  }
}

TEST(KernelFolder, StampsThatAreNoneOnlyCostTime) {
  const FilledFolder filled;
  for (const auto* text : {"", "[]", "{\"image\": [1]}", "{\"image\": 7}"}) {
    filled.scratch().write(filled.folder() / "stamps.json", text);
    EXPECT_TRUE(filled.whole()) << text;
  }
}

TEST(KernelFolder, AskingWithoutRefreshWritesNothing) {
  const FilledFolder filled;
  fs::remove(filled.folder() / "stamps.json");

  EXPECT_TRUE(filled.whole());
  EXPECT_FALSE(exists(filled.folder() / "stamps.json"));
  EXPECT_TRUE(filled.whole(Stamps::refresh));
  EXPECT_TRUE(exists(filled.folder() / "stamps.json"));
}

TEST(KernelFolder, WhatWasHashedOnceIsNotHashedAgain) {
  const FilledFolder filled;
  filled.make_stamps_reliable();
  // Without sha256sum nothing can be hashed.
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto kernel = read_kernel_folder(filled.folder(), Stamps::leave);
  fs::remove(filled.folder() / "stamps.json");
  const auto without_stamps = read_kernel_folder(filled.folder(), Stamps::leave);
  ::setenv("PATH", path.c_str(), 1);

  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_TRUE(*kernel);
  EXPECT_FALSE(without_stamps);
}

TEST(KernelFolder, AMissingSourceIsNamed) {
  const ScratchFolder scratch;

  const auto kernel = fill_kernel_folder(
      scratch.path() / "k",
      {.release = "6.1", .image = scratch.path() / "absent", .config = {}, .modules = {}});

  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, ::testing::HasSubstr("absent"));
}

}  // namespace
}  // namespace nsgate::lab
