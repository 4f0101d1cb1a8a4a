// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/accelerator_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using testing::Optional;
using namespace std::chrono_literals;

const AcceleratorKey key{.boot_id = "boot",
                         .host_kernel = "6.1",
                         .uid = 1000,
                         .qemu = "qemu 7.2",
                         .kernel_sha256 = "ab"};
const KnownVerdict good{Accelerator::kvm, "a guest booted", {{"device", 1ms, ""}}};
const KnownVerdict bad{Accelerator::tcg, "no progress", {{"device", 1ms, ""}, {"x", 2s, "hung"}}};

class Cache : public testing::Test {
 protected:
  AcceleratorKey changed(auto change) const {
    auto other = key;
    change(other);
    return other;
  }

  const ScratchFolder folder;
  const std::filesystem::path file = folder.path() / "state" / "accelerator.json";
  AcceleratorCache::Clock::time_point now{1'800'000'000s};
  const AcceleratorCache cache{file, [this] { return now; }};
};

TEST_F(Cache, GivesBackWhatWasPut) {
  value_of(cache.put(key, bad));
  EXPECT_THAT(cache.find(key), Optional(bad));
}

TEST_F(Cache, KnowsNothingWithoutAFile) { EXPECT_EQ(cache.find(key), std::nullopt); }

TEST_F(Cache, BadVerdictHoldsForAnHour) {
  value_of(cache.put(key, bad));
  now += 59min;
  EXPECT_THAT(cache.find(key), Optional(bad));
  now += 1min;
  EXPECT_EQ(cache.find(key), std::nullopt);
}

TEST_F(Cache, BadVerdictFromTheFutureDoesNotHold) {
  value_of(cache.put(key, bad));
  now -= 1min;
  EXPECT_EQ(cache.find(key), std::nullopt);
}

TEST_F(Cache, GoodVerdictHoldsUntilItsKeyChanges) {
  value_of(cache.put(key, good));
  now += 24h * 365;
  EXPECT_THAT(cache.find(key), Optional(good));
}

TEST_F(Cache, EveryPartOfTheKeyCounts) {
  value_of(cache.put(key, good));
  for (const auto& other :
       {changed([](auto& k) { k.boot_id = "other"; }),
        changed([](auto& k) { k.host_kernel = "6.2"; }), changed([](auto& k) { k.uid = 0; }),
        changed([](auto& k) { k.qemu = "qemu 8"; }),
        changed([](auto& k) { k.kernel_sha256 = "cd"; })}) {
    EXPECT_EQ(cache.find(other), std::nullopt);
  }
}

TEST_F(Cache, VerdictWithoutQemuAndKernelAnswersForAllOfThem) {
  value_of(cache.put(key, good));
  const auto general = changed([](auto& k) { k.qemu = k.kernel_sha256 = ""; });
  value_of(cache.put(general, bad));
  EXPECT_THAT(cache.find(key), Optional(bad));
  EXPECT_THAT(cache.find(changed([](auto& k) { k.kernel_sha256 = "cd"; })), Optional(bad));
  EXPECT_EQ(cache.find(changed([](auto& k) { k.uid = 0; })), std::nullopt);
}

TEST_F(Cache, GoodVerdictOverrulesTheBadOneForAll) {
  value_of(cache.put(changed([](auto& k) { k.qemu = k.kernel_sha256 = ""; }), bad));
  value_of(cache.put(key, good));
  EXPECT_THAT(cache.find(key), Optional(good));
}

TEST_F(Cache, KeepsOneVerdictForEachKernel) {
  const auto other = changed([](auto& k) { k.kernel_sha256 = "cd"; });
  value_of(cache.put(key, good));
  value_of(cache.put(other, bad));
  EXPECT_THAT(cache.find(key), Optional(good));
  EXPECT_THAT(cache.find(other), Optional(bad));
}

TEST_F(Cache, DoesNotGrowForEver) {
  for (int i = 0; i < 66; ++i) {
    value_of(cache.put(changed([i](auto& k) { k.kernel_sha256 = std::to_string(i); }), good));
  }
  EXPECT_THAT(cache.find(changed([](auto& k) { k.kernel_sha256 = "65"; })), Optional(good));
  EXPECT_EQ(cache.find(changed([](auto& k) { k.kernel_sha256 = "0"; })), std::nullopt);
}

class CorruptCache : public Cache, public testing::WithParamInterface<const char*> {};

TEST_P(CorruptCache, IsIgnoredAndRewritten) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << GetParam();
  EXPECT_EQ(cache.find(key), std::nullopt);
  value_of(cache.put(key, good));
  EXPECT_THAT(cache.find(key), Optional(good));
}

INSTANTIATE_TEST_SUITE_P(Of, CorruptCache,
                         testing::Values("", "{", "[]", "null", "\xff\xfe",
                                         R"({"schema_version":1})",
                                         R"({"schema_version":2,"verdicts":[]})",
                                         R"({"schema_version":"1"})",
                                         R"({"schema_version":1,"verdicts":7})",
                                         R"({"schema_version":1,"verdicts":[{"boot_id":1}]})"));

TEST_F(Cache, FolderThatCannotBeMadeIsNamed) {
  folder.write("state", "a file where the folder should be");
  const auto put = cache.put(key, good);
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().message, HasSubstr((folder.path() / "state").string()));
}

}  // namespace
}  // namespace nsgate::lab
