// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using ::testing::HasSubstr;

LockedKernel some_kernel(const std::string& series) {
  return {.series = series,
          .release = "6.1.0-9-cloud-amd64",
          .image_sha256 = std::string(64, '0'),
          .packages = {{.package = "linux-image-6.1.0-9-cloud-amd64",
                        .version = "1:6.1.9~rc1-1+b2",
                        .architecture = "amd64",
                        .suite = "bookworm",
                        .size = 5'000'000'000,
                        .sha256 = std::string(64, 'a')},
                       {.package = "linux-modules-6.1.0-9-cloud-amd64",
                        .version = "2",
                        .architecture = "all",
                        .suite = "bookworm",
                        .size = 1,
                        .sha256 = std::string(64, 'b')}}};
}

/// The text of a lockfile in which one occurrence of `from` is `to`.
std::string lockfile_with(const std::string& from, const std::string& to) {
  const ScratchFolder folder;
  KernelLock lock;
  lock.set(some_kernel("6.1"));
  if (!lock.save(folder.path() / "lock")) return {};
  auto text = contents(folder.path() / "lock");
  return text.replace(text.find(from), from.size(), to);
}

std::string failure_of(const std::string& text) {
  const ScratchFolder folder;
  const auto lock = KernelLock::load(folder.write("lock.json", text));
  return lock ? "" : lock.error().message;
}

TEST(KernelLock, IsReadBackAsItWasSaved) {
  const ScratchFolder folder;
  KernelLock lock;
  lock.set(some_kernel("6.1"));
  lock.set(some_kernel("sid"));

  ASSERT_TRUE(lock.save(folder.path() / "lock"));
  const auto read = KernelLock::load(folder.path() / "lock");

  ASSERT_TRUE(read) << read.error().message;
  ASSERT_NE(read->find("sid"), nullptr);
  EXPECT_EQ(*read->find("sid"), some_kernel("sid"));
  EXPECT_EQ(*read->find("6.1"), some_kernel("6.1"));
  EXPECT_EQ(read->find("6.12"), nullptr);
}

TEST(KernelLock, SettingASeriesAgainReplacesIt) {
  KernelLock lock;
  auto kernel = some_kernel("6.1");
  lock.set(kernel);
  kernel.packages[0].version = "6.1.10-1";
  lock.set(kernel);

  EXPECT_EQ(lock.find("6.1")->main().version, "6.1.10-1");
}

TEST(KernelLock, AFileThatDoesNotExistIsEmpty) {
  const ScratchFolder folder;

  const auto lock = KernelLock::load(folder.path() / "absent");

  ASSERT_TRUE(lock);
  EXPECT_EQ(lock->find("6.1"), nullptr);
}

TEST(KernelLock, ASlipInTheJsonIsReportedWithItsLine) {
  EXPECT_THAT(failure_of("{\n  \"schema_version\": 2,\n  oops\n}"), HasSubstr("line 3"));
}

TEST(KernelLock, AnotherSchemaIsRefused) {
  EXPECT_THAT(failure_of("{\"schema_version\": 1, \"kernels\": {}}"), HasSubstr("schema_version"));
}

TEST(KernelLock, AKernelWithoutPackagesIsRefused) {
  EXPECT_THAT(failure_of("{\"schema_version\": 2, \"kernels\": {\"6.1\": {\"release\": \"6\", "
                         "\"image_sha256\": \"\", \"packages\": []}}}"),
              HasSubstr("kernels: 6.1: packages"));
}

TEST(KernelLock, AMissingMemberIsNamedWithItsSeries) {
  EXPECT_THAT(failure_of(lockfile_with("\"sha256\"", "\"sha512\"")),
              AllOf(HasSubstr("kernels: 6.1: "), HasSubstr("'sha256'")));
}

struct WrongMember {
  std::string from;
  std::string to;
  std::string named;
};

class KernelLockMembers : public ::testing::TestWithParam<WrongMember> {};

TEST_P(KernelLockMembers, OneThatCannotBeIsNamedWithItsSeries) {
  const auto failure = failure_of(lockfile_with(GetParam().from, GetParam().to));

  EXPECT_THAT(failure, HasSubstr("kernels: 6.1: " + GetParam().named));
}

INSTANTIATE_TEST_SUITE_P(
    KernelLock, KernelLockMembers,
    ::testing::Values(WrongMember{"\"linux-image", "\"-oDebug::linux-image", "package"},
                      WrongMember{"\"1:6.1.9~rc1-1+b2\"", "\"../../etc\"", "version"},
                      WrongMember{"\"1:6.1.9~rc1-1+b2\"", "\"\"", "version"},
                      WrongMember{"\"amd64\"", "\"amd 64\"", "architecture"},
                      WrongMember{"\"6.1.0-9-cloud-amd64\"", "\"6.1.0-8-cloud-amd64\"", "release"},
                      WrongMember{"\"linux-modules-6.1.0-9", "\"linux-modules-6.1.0-8", "release"},
                      WrongMember{std::string(64, 'b'), "b", "sha256"},
                      WrongMember{std::string(64, 'a'), std::string(63, 'a'), "sha256"},
                      WrongMember{std::string(64, '0'), std::string(64, 'G'), "image_sha256"}),
    [](const auto& info) { return info.param.named + "_" + std::to_string(info.index); });

TEST(KernelLock, ASaveThatFailsLeavesTheOldFileAndNoOther) {
  const ScratchFolder folder;
  // A folder in the file's place is what root cannot overwrite either.
  folder.write("lock/inside", "old");
  KernelLock lock;

  const auto saved = lock.save(folder.path() / "lock");

  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("cannot write " + folder.path().string()));
  const std::filesystem::directory_iterator left(folder.path());
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

}  // namespace
}  // namespace nsgate::lab
