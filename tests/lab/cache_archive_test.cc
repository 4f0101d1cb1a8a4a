// SPDX-License-Identifier: Apache-2.0
#include "lab/cache/cache_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "must_run.h"
#include "sample_tar.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string hash_of(const std::string& text) {
  const ScratchFolder scratch;
  return must_run({"sha256sum", scratch.write("x", text).string()}).substr(0, 64);
}

/// The list of an archive with these members, as export writes it.
std::string list_of(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string text = R"({"schema_version": 1, "files": [)";
  for (const auto& [name, content] : members) {
    text += (text.ends_with('[') ? "" : ",") + std::string(R"({"name": ")") + name +
            R"(", "size": )" + std::to_string(content.size()) + R"(, "sha256": ")" +
            hash_of(content) + "\"}";
  }
  return text + "]}";
}

class CacheArchive : public testing::Test {
 protected:
  std::vector<std::string> names_in(const fs::path& cache) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(cache)) {
      if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(cache).string());
    }
    std::ranges::sort(names);
    return names;
  }

  /// Imports an archive of these members into a cache that holds one file. The answer is why it
  /// failed; the cache is as it was then.
  std::string refused(const std::vector<TarEntry>& members) const {
    const auto file = folder.path() / "bad.tar.zst";
    write_tar(file, members, "zstd");
    const auto cache = folder.path() / "into";
    folder.write("into/kept", "as it was");
    const auto imported = import_cache(file, cache);
    if (imported) return "it was taken";
    EXPECT_EQ(imported.error().code, ExitCode::could_not_start);
    EXPECT_THAT(names_in(cache), ElementsAre("kept"));
    EXPECT_EQ(contents(cache / "kept"), "as it was");
    EXPECT_FALSE(fs::exists(folder.path() / "escaped"));
    return imported.error().message;
  }

  const ScratchFolder folder;
  const fs::path archive = folder.path() / "cache.tar.zst";
};

TEST_F(CacheArchive, WhatIsExportedIsImported) {
  const std::string large(3 << 20, 'x');
  folder.write("from/a.bzImage", "a kernel");
  folder.write("from/userlands/b.cpio", large);
  folder.write("from/empty", "");
  const auto exported = value_of(export_cache(folder.path() / "from", archive));
  EXPECT_THAT(exported, ElementsAre(CacheFile{"a.bzImage", 8}, CacheFile{"empty", 0},
                                    CacheFile{"userlands/b.cpio", large.size()}));
  const auto into = folder.path() / "into/new";
  EXPECT_EQ(value_of(import_cache(archive, into)), exported);
  EXPECT_THAT(names_in(into), ElementsAre("a.bzImage", "empty", "userlands/b.cpio"));
  EXPECT_EQ(contents(into / "a.bzImage"), "a kernel");
  EXPECT_EQ(contents(into / "userlands/b.cpio"), large);
}

TEST_F(CacheArchive, ImportTakesThePlaceOfWhatWasThere) {
  folder.write("from/a", "new");
  value_of(export_cache(folder.path() / "from", archive));
  folder.write("into/a", "old");
  folder.write("into/b", "mine");
  value_of(import_cache(archive, folder.path() / "into"));
  EXPECT_EQ(contents(folder.path() / "into/a"), "new");
  EXPECT_EQ(contents(folder.path() / "into/b"), "mine");
}

TEST_F(CacheArchive, LocksAndWorkInProgressStay) {
  for (const char* name :
       {"6.1.lock", "6.1.tmp/image", "x.work/root.tar", ".import-x/0", "a.cpio.partial", "a"}) {
    folder.write(fs::path("from") / name, "x");
  }
  fs::create_symlink("/etc/passwd", folder.path() / "from/link");
  EXPECT_THAT(value_of(export_cache(folder.path() / "from", archive)),
              ElementsAre(CacheFile{"a", 1}));
  EXPECT_THAT(value_of(clean_cache(folder.path() / "from")), ElementsAre(CacheFile{"a", 1}));
  EXPECT_TRUE(fs::exists(folder.path() / "from/6.1.lock"));
  EXPECT_TRUE(fs::exists(folder.path() / "from/6.1.tmp/image"));
}

TEST_F(CacheArchive, CleanRemovesFoldersThatAreEmptyThen) {
  folder.write("from/userlands/deep/a", "x");
  folder.write("from/locked/a", "x");
  folder.write("from/locked/a.lock", "");
  value_of(clean_cache(folder.path() / "from"));
  EXPECT_THAT(names_in(folder.path() / "from"), ElementsAre("locked/a.lock"));
  EXPECT_FALSE(fs::exists(folder.path() / "from/userlands"));
}

TEST_F(CacheArchive, NoCacheIsEmptyAndCannotBeExported) {
  EXPECT_THAT(value_of(cache_files(folder.path() / "none")), IsEmpty());
  EXPECT_THAT(value_of(clean_cache(folder.path() / "none")), IsEmpty());
  const auto exported = export_cache(folder.path() / "none", archive);
  ASSERT_FALSE(exported);
  EXPECT_THAT(exported.error().message, HasSubstr("nsgate kernel fetch"));
  EXPECT_FALSE(fs::exists(archive));
}

TEST_F(CacheArchive, NamesThatLeadOutAreRefused) {
  for (const std::string name : {"../escaped", "/escaped", "a/../../escaped", "a/..", ".", "",
                                 "./a", "a//b", "a/", "6.1.lock", ".import-x/0"}) {
    EXPECT_FALSE(is_importable(name)) << name;
    EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = list_of({{name, "x"}})},
                         {.name = name.empty() ? "x" : name, .content = "x"}}),
                HasSubstr("has a name that is none for a cache"))
        << name;
  }
  EXPECT_TRUE(is_importable("userlands/trixie-0123.cpio"));
}

TEST_F(CacheArchive, MemberThatIsNotInTheListIsRefused) {
  EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = list_of({{"a", "x"}})},
                       {.name = "a", .content = "x"},
                       {.name = "../escaped", .content = "x"}}),
              HasSubstr("../escaped is not in its list"));
}

TEST_F(CacheArchive, OtherBytesThanListedAreRefused) {
  EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = list_of({{"a", "x"}})},
                       {.name = "a", .content = "y"}}),
              HasSubstr("a has SHA-256 " + hash_of("y") + " and not " + hash_of("x")));
  EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = list_of({{"a", "x"}})},
                       {.name = "a", .content = "xx"}}),
              HasSubstr("larger than its list says"));
}

TEST_F(CacheArchive, LinksAreRefused) {
  EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = list_of({{"a", "x"}})},
                       {.name = "a", .type = AE_IFLNK, .symlink = "/etc/passwd"}}),
              HasSubstr("a in it is no plain file"));
  EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = list_of({{"a", "x"}})},
                       {.name = "a", .hard_link = "/etc/passwd"}}),
              HasSubstr("a in it is no plain file"));
}

TEST_F(CacheArchive, MissingAndRepeatedMembersAreRefused) {
  const TarEntry list{.name = "nsgate-cache.json", .content = list_of({{"a", "x"}, {"b", "y"}})};
  EXPECT_THAT(refused({list, {.name = "a", .content = "x"}}), HasSubstr("b is in its list only"));
  EXPECT_THAT(refused({list, {.name = "a", .content = "x"}, {.name = "a", .content = "x"}}),
              HasSubstr("a is in it twice"));
}

TEST_F(CacheArchive, WhatIsNoExportIsRefused) {
  EXPECT_THAT(refused({{.name = "a", .content = "x"}}), HasSubstr("nsgate cache export"));
  EXPECT_THAT(refused({{.name = "nsgate-cache.json", .content = "{"}}),
              HasSubstr("cannot be read"));
  const auto imported = import_cache(folder.write("text", "no tar"), folder.path() / "into");
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message, HasSubstr("text: "));
}

TEST_F(CacheArchive, CutArchiveIsRefusedWhereverItIsCut) {
  folder.write("from/a", must_run({"head", "-c", "20000", "/dev/urandom"}));
  folder.write("from/b", "x");
  value_of(export_cache(folder.path() / "from", archive));
  const auto whole = contents(archive);
  // The end of a tar is zeroes that no reader needs; what matters lies before.
  for (std::size_t size = 0; size + 64 < whole.size(); size += 1500) {
    const auto into = folder.path() / "into";
    fs::remove_all(into);
    EXPECT_FALSE(import_cache(folder.write("cut", whole.substr(0, size)), into)) << size;
    EXPECT_TRUE(!fs::exists(into) || fs::is_empty(into)) << size;
  }
}

}  // namespace
}  // namespace nsgate::lab
