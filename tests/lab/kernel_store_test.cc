// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lab/base/sha256.h"
#include "lab/kernels/kernel_cache.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

LockedKernel locked(const std::string& series, const std::string& release) {
  return {.series = series,
          .release = release,
          .image_sha256 = std::string(64, 'b'),
          .packages = {{.package = "linux-image-" + release,
                        .version = "1-1",
                        .architecture = "amd64",
                        .suite = "tame",
                        .size = 1,
                        .sha256 = std::string(64, 'a')}}};
}

/// A catalogue of two series, both pinned, and a cache that does not exist. Never on the network.
class OfflineLab {
 public:
  OfflineLab() {
    std::string catalogue;
    for (const std::string name : {"6.1", "5.10"}) {
      catalogue += "[[series]]\nname = \"" + name +
                   "\"\nmain_suites = [\"tame\"]\nmeta_package = \"linux-image-amd64\"\n"
                   "image_package_prefix = \"linux-image-\"\nimage = \"boot/{release}\"\nflavour = "
                   "\"odd\"\n";
      if (name == "5.10") catalogue += "default = true\n";
    }
    folder_.write("kernels.toml", catalogue);
    lock_.set(locked("6.1", "6.1.0-9"));
    lock_.set(locked("5.10", "5.10.0-8"));
    save();
  }

  /// Puts an image into the cache and its hash into the lock.
  void hold(const std::string& series, const std::string& image) {
    auto kernel = *lock_.find(series);
    const auto stored =
        value_of(fill_kernel_folder(folder_of(kernel), {.release = kernel.release,
                                                        .image = folder_.write("image", image),
                                                        .config = {},
                                                        .modules = {}}));
    kernel.image_sha256 = stored.image_sha256;
    lock_.set(kernel);
    save();
  }

  KernelStore store() const {
    return value_of(KernelStore::open({.catalogue = folder_.path() / "kernels.toml",
                                       .lockfile = folder_.path() / "lock.json",
                                       .cache = cache(),
                                       .offline = true},
                                      [](std::string_view) {}));
  }
  std::filesystem::path cache() const { return folder_.path() / "cache"; }
  std::filesystem::path folder_of(const LockedKernel& kernel) const {
    return KernelCache(cache() / "kernels", {}).folder_of(kernel);
  }
  const ScratchFolder& folder() const { return folder_; }

 private:
  void save() const { value_of(lock_.save(folder_.path() / "lock.json")); }

  ScratchFolder folder_;
  KernelLock lock_;
};

TEST(KernelStore, NamesAreTheSeriesInTheCataloguesOrder) {
  EXPECT_THAT(OfflineLab().store().names(), ElementsAre("6.1", "5.10"));
}

TEST(KernelStore, DefaultNamesAreThoseThatTheCatalogueMarks) {
  EXPECT_THAT(OfflineLab().store().default_names(), ElementsAre("5.10"));
  EXPECT_EQ(value_of(OfflineLab().store().list()).front().kernel.flavour, "odd");
}

TEST(KernelStore, AnImageOtherThanTheLocksIsNeverUsedThoughItsFolderIsWhole) {
  OfflineLab lab;
  lab.hold("6.1", tiny_kernel("6.1.0-9"));
  const auto folder = lab.folder_of(locked("6.1", "6.1.0-9"));
  value_of(fill_kernel_folder(folder, {.release = "6.1.0-9",
                                       .image = lab.folder().write("image", tiny_kernel("6.1.0-8")),
                                       .config = {},
                                       .modules = {}}));

  EXPECT_FALSE(lab.store().fetch({"6.1"}));
}

TEST(KernelStore, AnUnknownNameIsAnsweredWithTheNamesAndAWordAboutSlashes) {
  const auto kernels = OfflineLab().store().fetch({"6.2"});

  ASSERT_FALSE(kernels);
  EXPECT_EQ(kernels.error().code, ExitCode::could_not_start);
  EXPECT_THAT(kernels.error().message,
              AllOf(HasSubstr("6.2"), HasSubstr("6.1, 5.10"), HasSubstr("./6.2")));
}

TEST(KernelStore, EveryNameThatCannotBeIsReportedAtOnce) {
  const auto kernels = OfflineLab().store().fetch({"6.2", "./absent", "6.3"});

  ASSERT_FALSE(kernels);
  EXPECT_THAT(kernels.error().message,
              AllOf(HasSubstr("6.2:"), HasSubstr("./absent"), HasSubstr("6.3:")));
}

TEST(KernelStore, ANameWithASlashIsTheUsersOwnKernel) {
  const OfflineLab lab;
  const auto file = lab.folder().write("own", tiny_kernel("6.9.0-mine"));

  const auto kernels = lab.store().fetch({file.string()});

  ASSERT_TRUE(kernels) << kernels.error().message;
  EXPECT_EQ(kernels->front().name, file.string());
  EXPECT_EQ(kernels->front().release, "6.9.0-mine");
  EXPECT_EQ(kernels->front().image, file);
  EXPECT_EQ(kernels->front().image_sha256, value_of(sha256_of(file)));
  EXPECT_EQ(kernels->front().package_version, "");
  EXPECT_EQ(kernels->front().unpinned, "");
}

TEST(KernelStore, OfflineWithAnEmptyCacheListsEveryMissingKernel) {
  const OfflineLab lab;

  const auto kernels = lab.store().fetch({"6.1", "5.10"});

  ASSERT_FALSE(kernels);
  EXPECT_EQ(kernels.error().code, ExitCode::could_not_start);
  EXPECT_THAT(kernels.error().message, AllOf(HasSubstr("6.1 (linux-image-6.1.0-9=1-1)"),
                                             HasSubstr("5.10 (linux-image-5.10.0-8=1-1)"),
                                             HasSubstr("nsgate kernel fetch")));
  EXPECT_FALSE(exists(lab.cache()));
}

TEST(KernelStore, WhatTheCacheHoldsIsNotMissing) {
  OfflineLab lab;
  lab.hold("6.1", tiny_kernel("6.1.0-9"));

  const auto one = lab.store().fetch({"6.1"});
  const auto both = lab.store().fetch({"6.1", "5.10"});

  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->front().release, "6.1.0-9");
  EXPECT_EQ(one->front().package_version, "1-1");
  EXPECT_TRUE(exists(one->front().image));
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message, AllOf(HasSubstr("5.10"), Not(HasSubstr("6.1.0"))));
}

TEST(KernelStore, ADamagedImageInTheCacheIsNeverUsed) {
  OfflineLab lab;
  lab.hold("6.1", tiny_kernel("6.1.0-9"));
  lab.folder().write(lab.folder_of(locked("6.1", "6.1.0-9")) / "image", tiny_kernel("6.1.0-8"));

  const auto kernels = lab.store().fetch({"6.1"});

  ASSERT_FALSE(kernels);
  EXPECT_THAT(kernels.error().message, HasSubstr("damaged"));
  EXPECT_FALSE(value_of(lab.store().list()).front().cached);
}

TEST(KernelStore, ListTellsWhatIsCachedAndCreatesNothing) {
  OfflineLab lab;
  const auto empty = lab.store().list();
  EXPECT_FALSE(exists(lab.cache()));
  lab.hold("5.10", tiny_kernel("5.10.0-8"));

  const auto listed = lab.store().list();

  ASSERT_TRUE(empty && listed);
  ASSERT_EQ(empty->size(), 2U);
  EXPECT_FALSE(empty->at(1).cached);
  EXPECT_EQ(empty->at(1).kernel.package_version, "1-1");
  EXPECT_FALSE(listed->at(0).cached);
  EXPECT_TRUE(listed->at(1).cached);
}

TEST(KernelStore, UpdateOfflineIsRefused) {
  const auto kernels = OfflineLab().store().update({"6.1"});

  ASSERT_FALSE(kernels);
  EXPECT_THAT(kernels.error().message, HasSubstr("network"));
}

}  // namespace
}  // namespace nsgate::lab
