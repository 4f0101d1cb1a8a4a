// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <future>
#include <string>

#include "fake_mirror.h"
#include "fake_module.h"
#include "lab/kernels/kernel_store.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// A mirror, a lab whose catalogue has one series, "6.1", and the lab's cache.
class MirroredLab {
 public:
  MirroredLab() {
    folder_.write(
        "kernels.toml",
        "modules = [\"b\", \"wonder\"]\n[[series]]\nname = \"6.1\"\nmain_suites = [\"tame\"]\n"
        "meta_package = \"linux-image-amd64\"\n"
        "image_package_prefix = \"linux-image-\"\nimage = \"boot/vmlinuz-{release}\"\n"
        "config = \"boot/config-{release}\"\nmodules = \"lib/{release}\"\n");
  }

  /// The mirror has one kernel, and that is the newest.
  void offer(const std::string& release, const std::string& version) {
    mirror_.forget_packages();
    mirror_.add("linux-image-amd64", version,
                "initramfs-tools | dracut, linux-image-" + release + " (= " + version + ")", {});
    mirror_.add("linux-image-" + release, version, "",
                {{"boot/vmlinuz-" + release, tiny_kernel(release)},
                 {"boot/config-" + release, "CONFIG_A=y\n"},
                 {"lib/" + release + "/kernel/a.ko", fake_module(release)},
                 {"lib/" + release + "/kernel/b.ko", fake_module(release, "a")},
                 {"lib/" + release + "/kernel/c.ko", fake_module(release)}});
    mirror_.publish();
  }

  KernelStore store(bool offline = false) {
    return value_of(
        KernelStore::open({.catalogue = folder_.path() / "kernels.toml",
                           .lockfile = lockfile(),
                           .cache = cache(),
                           .offline = offline,
                           .keyring = mirror_.keyring()},
                          [this](std::string_view text) { said_ += std::string(text) + "\n"; }));
  }

  bool cache_has_an_image() const {
    for (const auto& entry : fs::recursive_directory_iterator(cache())) {
      if (entry.path().filename() == "image") return true;
    }
    return false;
  }
  void edit_lock(const std::string& member, const std::string& value) const {
    auto text = contents(lockfile());
    const auto at = text.find("\"" + member + "\": \"") + member.size() + 5;
    folder_.write("lock.json", text.replace(at, text.find('"', at) - at, value));
  }

  fs::path cache() const { return folder_.path() / "cache"; }
  fs::path lockfile() const { return folder_.path() / "lock.json"; }
  FakeMirror& mirror() { return mirror_; }
  const ScratchFolder& folder() const { return folder_; }
  const std::string& said() const { return said_; }

 private:
  ScratchFolder folder_;
  FakeMirror mirror_;
  std::string said_;
};

TEST(KernelFetch, UpdatePinsTheNewestAndAnEmptyCacheIsFilledAsPinned) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  const auto pinned = lab.store().update({"6.1"});
  ASSERT_TRUE(pinned) << pinned.error().message;
  fs::remove_all(lab.cache());

  const auto fetched = lab.store().fetch({"6.1"});

  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->front().release, "6.1.0-9-amd64");
  EXPECT_EQ(fetched->front().package_version, "6.1.9-1");
  EXPECT_EQ(fetched->front().unpinned, "");
  EXPECT_EQ(contents(fetched->front().image), tiny_kernel("6.1.0-9-amd64"));
  EXPECT_EQ(value_of(lab.store(/*offline=*/true).fetch({"6.1"})).front().image_sha256,
            pinned->front().image_sha256);
  EXPECT_FALSE(exists(lab.cache() / "kernels/6.1.tmp"));
}

TEST(KernelFetch, ConfigAndTheModulesWishedForComeAlong) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  value_of(lab.store().update({"6.1"}));

  const auto kernel = value_of(lab.store(/*offline=*/true).fetch({"6.1"})).front();

  EXPECT_EQ(contents(kernel.config), "CONFIG_A=y\n");
  ASSERT_EQ(kernel.modules.size(), 2U);
  EXPECT_EQ(kernel.modules[0].filename(), "00-a.ko");
  EXPECT_EQ(contents(kernel.modules[1]), fake_module("6.1.0-9-amd64", "a"));
  EXPECT_EQ(kernel.absent_modules, std::vector<std::string>{"wonder"});
}

TEST(KernelFetch, ADamagedModuleIsFetchedAgain) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  const auto module = value_of(lab.store().update({"6.1"})).front().modules.front();
  const auto good = contents(module);
  lab.folder().write(module, std::string(good.size(), 'x'));

  EXPECT_FALSE(lab.store(/*offline=*/true).fetch({"6.1"}));
  EXPECT_EQ(contents(value_of(lab.store().fetch({"6.1"})).front().modules.front()), good);
}

TEST(KernelFetch, OtherWishesMakeAnotherKernel) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  value_of(lab.store().update({"6.1"}));
  auto text = contents(lab.folder().path() / "kernels.toml");
  lab.folder().write("kernels.toml", text.replace(text.find("\"b\""), 3, "\"c\""));

  EXPECT_FALSE(lab.store(/*offline=*/true).fetch({"6.1"}));
  EXPECT_EQ(value_of(lab.store().fetch({"6.1"})).front().modules.front().filename(), "00-c.ko");
}

TEST(KernelFetch, AConfigThatHasMovedElsewhereIsReported) {
  MirroredLab lab;
  lab.mirror().add("linux-image-amd64", "1", "linux-image-6.1.1 (= 1)", {});
  lab.mirror().add("linux-image-6.1.1", "1", "", {{"boot/vmlinuz-6.1.1", tiny_kernel("6.1.1")}});
  lab.mirror().publish();

  const auto fetched = lab.store().fetch({"6.1"});

  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message, HasSubstr("has no boot/config-6.1.1"));
}

TEST(KernelFetch, UpdateFollowsTheMirrorWhileFetchStaysWithThePin) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  value_of(lab.store().update({"6.1"}));
  lab.offer("6.1.0-10-amd64", "6.1.10-1");

  EXPECT_EQ(value_of(lab.store().fetch({"6.1"})).front().package_version, "6.1.9-1");
  EXPECT_EQ(value_of(lab.store().update({"6.1"})).front().package_version, "6.1.10-1");
  EXPECT_EQ(value_of(lab.store().fetch({"6.1"})).front().package_version, "6.1.10-1");
}

TEST(KernelFetch, APinnedKernelThatLeftTheMirrorIsReplacedSaidAndFoundAgainOffline) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  value_of(lab.store().update({"6.1"}));
  lab.offer("6.1.0-10-amd64", "6.1.10-1");
  fs::remove_all(lab.cache());

  const auto fetched = lab.store().fetch({"6.1"});
  const auto again = lab.store(/*offline=*/true).fetch({"6.1"});

  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->front().package_version, "6.1.10-1");
  EXPECT_EQ(fetched->front().unpinned,
            "unpinned: linux-image-6.1.0-9-amd64=6.1.9-1 has left the mirror, took "
            "linux-image-6.1.0-10-amd64=6.1.10-1; `nsgate kernel update` pins it");
  EXPECT_THAT(lab.said(), HasSubstr(fetched->front().unpinned));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->front().unpinned, fetched->front().unpinned);
}

TEST(KernelFetch, ASeriesThatTheLockfileDoesNotNameIsSaidToBeUnpinned) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");

  const auto fetched = lab.store().fetch({"6.1"});

  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_THAT(fetched->front().unpinned, HasSubstr("lockfile does not name 6.1"));
  EXPECT_FALSE(exists(lab.lockfile()));
}

TEST(KernelFetch, ADamagedImageIsFetchedAgainAndSaid) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  const auto image = value_of(lab.store().update({"6.1"})).front().image;
  lab.folder().write(image, "rubbish");

  const auto fetched = lab.store().fetch({"6.1"});

  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(contents(image), tiny_kernel("6.1.0-9-amd64"));
  EXPECT_THAT(lab.said(), HasSubstr("damaged, fetching it again"));
}

/// What is locked differs from what the mirror offers in good order.
class KernelFetchHashes : public ::testing::TestWithParam<std::string> {};

TEST_P(KernelFetchHashes, ThatDifferFromTheLockAreRefusedAndNothingIsCached) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  value_of(lab.store().update({"6.1"}));
  fs::remove_all(lab.cache());
  lab.edit_lock(GetParam(), std::string(64, '0'));

  const auto fetched = lab.store().fetch({"6.1"});
  const auto updated = lab.store().update({"6.1"});

  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message, HasSubstr(std::string(64, '0')));
  EXPECT_FALSE(updated);
  EXPECT_FALSE(lab.cache_has_an_image());
}

INSTANTIATE_TEST_SUITE_P(KernelFetch, KernelFetchHashes,
                         ::testing::Values("sha256", "image_sha256"),
                         [](const auto& info) { return info.param; });

TEST(KernelFetch, APackageThatDiffersFromTheSignedIndexIsRefusedAndNothingIsCached) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  const auto deb = lab.mirror().deb("linux-image-6.1.0-9-amd64", "6.1.9-1");
  auto bytes = contents(deb);
  bytes[bytes.size() / 2] ^= 1;
  lab.folder().write(deb, bytes);

  const auto fetched = lab.store().fetch({"6.1"});

  ASSERT_FALSE(fetched);
  EXPECT_FALSE(lab.cache_has_an_image());
}

TEST(KernelFetch, AnIndexSignedByAStrangerIsRefused) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  const auto honest = contents(lab.mirror().keyring());
  const FakeMirror stranger;
  fs::copy_file(stranger.keyring(), lab.mirror().keyring(), fs::copy_options::overwrite_existing);
  ::setenv("NSGATE_MIRROR", ("file:" + lab.mirror().keyring().parent_path().string()).c_str(), 1);

  const auto fetched = lab.store().fetch({"6.1"});
  lab.folder().write(lab.mirror().keyring(), honest);

  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message, HasSubstr("NO_PUBKEY"));
  EXPECT_NO_THROW(value_of(lab.store().fetch({"6.1"})));
}

TEST(KernelFetch, AnImageOfAnotherReleaseThanItsPackageIsRefused) {
  MirroredLab lab;
  lab.mirror().add("linux-image-amd64", "1", "linux-image-6.1.1 (= 1)", {});
  lab.mirror().add("linux-image-6.1.1", "1", "",
                   {{"boot/vmlinuz-6.1.1", tiny_kernel("6.1.2")},
                    {"boot/config-6.1.1", ""},
                    {"lib/6.1.1/modules.builtin", ""}});
  lab.mirror().publish();

  const auto fetched = lab.store().fetch({"6.1"});

  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message, HasSubstr("calls itself 6.1.2"));
  EXPECT_FALSE(lab.cache_has_an_image());
}

TEST(KernelFetch, OfTwoAtATimeOneDownloads) {
  MirroredLab lab;
  lab.offer("6.1.0-9-amd64", "6.1.9-1");
  value_of(lab.store().update({"6.1"}));
  fs::remove_all(lab.cache());
  std::atomic<int> downloads = 0;
  const KernelStore::Options options{.catalogue = lab.folder().path() / "kernels.toml",
                                     .lockfile = lab.lockfile(),
                                     .cache = lab.cache(),
                                     .keyring = lab.mirror().keyring()};
  const auto fetch = [&] {
    auto store = value_of(KernelStore::open(options, [&](std::string_view text) {
      if (text.find("downloading") != text.npos) ++downloads;
    }));
    return store.fetch({"6.1"}).has_value();
  };

  auto other = std::async(std::launch::async, fetch);
  const bool one = fetch();

  EXPECT_TRUE(one);
  EXPECT_TRUE(other.get());
  EXPECT_EQ(downloads, 1);
}

}  // namespace
}  // namespace nsgate::lab
