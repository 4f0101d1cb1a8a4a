// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/userland_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lab/userlands/mmdebstrap.h"
#include "sample_tar.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto catalogue = R"([[userland]]
name = "none"
unmet = ["tools"]
[[userland]]
name = "sid"
suite = "sid"
packages = ["libc6"]
)";

/// A store whose mmdebstrap is a script that counts its runs and copies a tar.
class Workshop {
 public:
  Workshop() {
    auto entries = sample_root();
    entries.push_back({.name = "./nsgate-packages", .content = "libc6 2.36-9\nlibgcc-s1 12.2\n"});
    write_tar(folder_.path() / "made.tar", entries);
    script(
        "echo run >> $(dirname $0)/runs\n"
        "for word; do case $word in *.tar) cp $(dirname $0)/made.tar $word ;; esac; done\n");
    folder_.write("userlands.toml", catalogue);
    folder_.write("keyring", "");
  }

  void script(const std::string& text) const {
    const auto file = folder_.write("mmdebstrap", "#!/bin/sh\n" + text);
    fs::permissions(file, fs::perms::owner_all);
  }
  UserlandStore store(bool offline = false) const {
    auto opened = UserlandStore::open(
        {.catalogue = folder_.path() / "userlands.toml",
         .cache = folder_.path() / "cache",
         .offline = offline,
         .keyring = folder_.path() / "keyring",
         .mmdebstrap = folder_.path() / "mmdebstrap",
         .mirrors = AptMirrors{.main = "file:/nowhere", .security = {}, .transport = {}}},
        [](std::string_view) {});
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  std::string runs() const { return contents(folder_.path() / "runs"); }
  const ScratchFolder& folder() const { return folder_; }
  std::string failure(const std::string& name, bool offline = false) const {
    const auto userland = store(offline).obtain(name);
    return userland ? "" : userland.error().message;
  }

 private:
  ScratchFolder folder_;
};

TEST(UserlandStore, NoneIsNothingAndNeedsNothing) {
  const Workshop workshop;

  const auto none = workshop.store(true).obtain("none");

  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->archive.empty());
  EXPECT_THAT(none->unmet, ElementsAre("tools"));
  EXPECT_EQ(memory_mib(*none), 512U);
}

TEST(UserlandStore, ASuiteIsBuiltOnceAndDescribed) {
  const Workshop workshop;

  const auto built = workshop.store().obtain("sid");
  const auto again = workshop.store(true).obtain("sid");

  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(workshop.runs(), "run\n");
  EXPECT_THAT(built->packages, ElementsAre("libc6 2.36-9", "libgcc-s1 12.2"));
  EXPECT_EQ(built->glibc, "2.36");
  EXPECT_THAT(built->libraries, Contains("libc.so.6"));
  EXPECT_THAT(built->unmet, ElementsAre("tools"));
  EXPECT_EQ(built->unpacked_bytes, 2 * 4096U);
  EXPECT_THAT(contents(built->archive), Not(HasSubstr("nsgate-packages")));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *built);
}

TEST(UserlandStore, TheSamePackagesGiveTheSameBytes) {
  const Workshop one;
  const Workshop other;

  EXPECT_EQ(one.store().obtain("sid")->sha256, other.store().obtain("sid")->sha256);
}

TEST(UserlandStore, AnotherListOfPackagesIsAnotherUserland) {
  const Workshop workshop;
  const auto before = workshop.store().obtain("sid");
  workshop.folder().write(
      "userlands.toml",
      std::string(catalogue).replace(std::string(catalogue).find("libc6"), 5, "libc6\", \"dash"));

  const auto after = workshop.store().obtain("sid");

  EXPECT_NE(before->archive, after->archive);
  EXPECT_EQ(workshop.runs(), "run\nrun\n");
}

TEST(UserlandStore, ADamagedArchiveIsBuiltAgain) {
  const Workshop workshop;
  const auto before = workshop.store().obtain("sid");
  fs::resize_file(before->archive, 100);

  const auto after = workshop.store().obtain("sid");

  EXPECT_EQ(workshop.runs(), "run\nrun\n");
  EXPECT_EQ(contents(after->archive).size() % 4, 0U);
  EXPECT_GT(fs::file_size(after->archive), 100U);
}

TEST(UserlandStore, ADescriptionThatIsNoneIsNotBelieved) {
  const Workshop workshop;
  const auto before = workshop.store().obtain("sid");
  auto description = before->archive;
  description.replace_extension(".json");
  for (const char* text : {"", "{}", "[1", R"({"name":7})"}) {
    workshop.folder().write(description, text);
    EXPECT_TRUE(workshop.store().obtain("sid"));
  }

  EXPECT_EQ(workshop.runs(), "run\nrun\nrun\nrun\nrun\n");
}

TEST(UserlandStore, RebuildAsksAgain) {
  const Workshop workshop;
  ASSERT_TRUE(workshop.store().obtain("sid"));

  ASSERT_TRUE(workshop.store().rebuild("sid"));

  EXPECT_EQ(workshop.runs(), "run\nrun\n");
}

TEST(UserlandStore, OfflineWithNothingCachedSaysWhatToDo) {
  const Workshop workshop;

  EXPECT_THAT(workshop.failure("sid", true),
              AllOf(HasSubstr("sid is not in the cache"), HasSubstr("nsgate userland build sid")));
  EXPECT_EQ(workshop.runs(), "");
}

TEST(UserlandStore, WhatMmdebstrapSaysIsPassedOn) {
  const Workshop workshop;
  workshop.script("echo I: talk >&2; echo 'E: no such suite' >&2; exit 25\n");

  EXPECT_THAT(workshop.failure("sid"),
              AllOf(HasSubstr("E: no such suite"), Not(HasSubstr("talk"))));
}

TEST(UserlandStore, AMissingMmdebstrapIsNamed) {
  const Workshop workshop;
  fs::remove(workshop.folder().path() / "mmdebstrap");

  EXPECT_THAT(workshop.failure("sid"), AllOf(HasSubstr("mmdebstrap"), HasSubstr("install it")));
}

TEST(UserlandStore, ATarWithoutAListOfPackagesIsRefused) {
  const Workshop workshop;
  write_tar(workshop.folder().path() / "made.tar", sample_root());

  EXPECT_THAT(workshop.failure("sid"), HasSubstr("without a list of its packages"));
}

TEST(UserlandStore, AnUnknownNameListsTheKnown) {
  const Workshop workshop;

  EXPECT_THAT(workshop.failure("woody"),
              AllOf(HasSubstr("woody"), HasSubstr("none, sid"), HasSubstr("./woody")));
}

TEST(UserlandStore, OnesOwnTarIsReadOnceAndAgainWhenItChanges) {
  const Workshop workshop;
  const auto tar = workshop.folder().path() / "own.tar.zst";
  write_tar(tar, sample_root(), "zstd");

  const auto first = workshop.store(true).obtain(tar);
  const auto warm = workshop.store(true).obtain(tar);
  auto entries = sample_root();
  entries.push_back({.name = "etc/motd", .content = "new"});
  write_tar(tar, entries, "zstd");
  const auto changed = workshop.store(true).obtain(tar);

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->name, tar);
  EXPECT_EQ(*first, *warm);
  ASSERT_TRUE(changed);
  EXPECT_NE(changed->sha256, first->sha256);
  EXPECT_FALSE(fs::exists(first->archive)) << "the old one would stay for ever";
}

TEST(UserlandStore, OnesOwnDirectoryGivesTheBytesOfItsTar) {
  const Workshop workshop;
  const auto root = workshop.folder().path() / "root";
  fs::create_directories(root / "usr/lib64");
  for (const auto& entry : sample_root()) {
    if (entry.type == AE_IFLNK) {
      fs::create_directories((root / entry.name).parent_path());
      fs::create_symlink(entry.symlink, root / entry.name);
    } else if (entry.type == AE_IFREG) {
      workshop.folder().write(root / entry.name, entry.content);
      fs::permissions(root / entry.name, fs::perms(0755));
    }
  }
  write_tar(workshop.folder().path() / "own.tar", sample_root());

  const auto directory = workshop.store().obtain(root);
  const auto tar = workshop.store().obtain(workshop.folder().path() / "own.tar");

  ASSERT_TRUE(directory) << directory.error().message;
  ASSERT_TRUE(tar) << tar.error().message;
  EXPECT_EQ(directory->sha256, tar->sha256);
}

TEST(UserlandStore, AChangeDeepInADirectoryIsSeen) {
  const Workshop workshop;
  const auto root = workshop.folder().path() / "root";
  for (const auto& entry : sample_root()) {
    if (entry.type == AE_IFREG) workshop.folder().write(root / entry.name, entry.content);
  }
  workshop.folder().write(root / "lib64/ld-linux-x86-64.so.2", "x");
  const auto before = workshop.store().obtain(root);
  workshop.folder().write(root / "lib64/ld-linux-x86-64.so.2", "y");

  const auto after = workshop.store().obtain(root);

  ASSERT_TRUE(before) << before.error().message;
  EXPECT_NE(before->sha256, after->sha256);
}

TEST(UserlandStore, ADirectoryWithoutALibcIsRefused) {
  const Workshop workshop;
  const auto root = workshop.folder().write("root/etc/motd", "x").parent_path().parent_path();

  EXPECT_THAT(workshop.failure(root), AllOf(HasSubstr(root.string()), HasSubstr("no libc")));
  EXPECT_THAT(workshop.failure("./no/such"), HasSubstr("./no/such"));
}

TEST(UserlandStore, APayloadThatWouldNotStartIsRefused) {
  const Workshop workshop;
  const auto userland = workshop.store().obtain("sid");
  auto old = *userland;
  old.libraries.insert({"libm.so.6", "libtinfo.so.6"});
  old.glibc = "2.1";
  auto bare = *userland;
  bare.libraries.clear();
  auto good = old;
  good.glibc = "2.99";

  EXPECT_TRUE(check_payload(good, "/bin/sh")) << "dynamic, and its libc is there";
  EXPECT_TRUE(check_payload(bare, NSGATE_HELPER)) << "static";
  EXPECT_TRUE(check_payload({}, "/bin/sh")) << "brings its libraries";
  EXPECT_THAT(check_payload(old, "/bin/sh").error().message,
              AllOf(HasSubstr("needs glibc 2."), HasSubstr("has 2.1")));
  EXPECT_THAT(check_payload(bare, "/bin/sh").error().message,
              HasSubstr("the userland sid has no "));
}

TEST(Userland, MemoryGrowsWithWhatIsUnpacked) {
  EXPECT_EQ(memory_mib({.unpacked_bytes = 40 << 20}), 512U);
  EXPECT_EQ(memory_mib({.unpacked_bytes = 400 << 20}), 1192U);
}

TEST(Userland, TheNewestVersionIsByNumber) {
  EXPECT_EQ(newest_glibc_version("GLIBC_2.9 GLIBC_2.36 GLIBC_2.4"), "2.36");
  EXPECT_EQ(newest_glibc_version("GLIBC_2."), "");
  EXPECT_EQ(newest_glibc_version(""), "");
}

TEST(Mmdebstrap, BelievesOnlyTheKeyringAndKeepsTheMachinesTransport) {
  const UserlandRecipe recipe{.name = "b",
                              .suite = "bookworm",
                              .security_suite = "bookworm-security",
                              .packages = {"dash", "libc6"}};
  const AptMirrors mirrors{.main = "http://one/debian",
                           .security = "http://two/security",
                           .transport = "Acquire::http::Proxy \"http://proxy:1\";\n"};

  const auto command =
      mmdebstrap_command("mmdebstrap", recipe, mirrors, "/keys.gpg", "unshare", "/out.tar");

  EXPECT_THAT(command, Contains("--mode=unshare"));
  EXPECT_THAT(command, Contains("--include=dash,libc6"));
  EXPECT_THAT(command, Contains("--aptopt=Acquire::http::Proxy \"http://proxy:1\";"));
  EXPECT_THAT(command,
              Contains("deb [signed-by=/keys.gpg] http://two/security bookworm-security main"));
  for (const auto& word : command) {
    EXPECT_THAT(word, Not(HasSubstr("trusted")));
    EXPECT_THAT(word, Not(HasSubstr("nauthenticated")));
  }
  EXPECT_EQ(mmdebstrap_mode(0), "root");
  EXPECT_EQ(mmdebstrap_mode(1000), "unshare");
}

}  // namespace
}  // namespace nsgate::lab
