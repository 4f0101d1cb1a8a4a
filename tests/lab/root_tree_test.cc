// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/root_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "sample_tar.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

struct Read {
  CpioContents contents;
  std::string failure;
};

Read read(const std::vector<TarEntry>& entries, const std::vector<std::string>& excluded = {}) {
  const ScratchFolder folder;
  write_tar(folder.path() / "root.tar", entries);
  const auto tree = read_root_tree(folder.path() / "root.tar", excluded);
  return tree ? Read{tree->contents(), {}} : Read{{}, tree.error().message};
}

TEST(RootTree, ReadsATarHoweverItIsCompressed) {
  for (const char* filter : {"none", "gzip", "xz", "zstd"}) {
    SCOPED_TRACE(filter);
    const ScratchFolder folder;
    write_tar(folder.path() / "root", {{.name = "./etc/motd", .content = "hello", .mode = 0640}},
              filter);

    const auto tree = read_root_tree(folder.path() / "root");

    ASSERT_TRUE(tree) << tree.error().message;
    ASSERT_THAT(tree->contents().files, ElementsAre(Key("etc/motd")));
    EXPECT_EQ(tree->contents().files.at("etc/motd").content, "hello");
    EXPECT_EQ(tree->contents().files.at("etc/motd").mode, 0640U);
    EXPECT_THAT(tree->contents().directories, ElementsAre(Pair("etc", 0755)));
  }
}

TEST(RootTree, ADirectoryGivesWhatItsTarGives) {
  const ScratchFolder folder;
  folder.write("root/usr/bin/ip", "the program");
  fs::permissions(folder.path() / "root/usr/bin/ip", fs::perms(0755));
  fs::create_symlink("usr/bin", folder.path() / "root/bin");
  fs::create_hard_link(folder.path() / "root/usr/bin/ip", folder.path() / "root/usr/bin/ip2");
  ::mkfifo((folder.path() / "root/pipe").c_str(), 0600);

  for (const char* path : {"root", "root/", "root/."}) {
    SCOPED_TRACE(path);
    const auto tree = read_root_tree(folder.path() / path);

    ASSERT_TRUE(tree) << tree.error().message;
    EXPECT_THAT(tree->contents().files, ElementsAre(Key("usr/bin/ip")));
    EXPECT_THAT(tree->contents().hard_links, ElementsAre(Pair("usr/bin/ip2", "usr/bin/ip")));
    EXPECT_THAT(tree->contents().symlinks, ElementsAre(Pair("bin", "usr/bin")));
    EXPECT_EQ(tree->resolve("bin/ip2"), "usr/bin/ip");
  }
}

TEST(RootTree, WhatLeadsOutOfTheTreeIsRefused) {
  EXPECT_THAT(read({{.name = "../evil", .content = "x"}}).failure,
              AllOf(HasSubstr("../evil"), HasSubstr("leads out")));
  EXPECT_THAT(read({{.name = "usr/../../evil", .content = "x"}}).failure, HasSubstr("leads out"));
  EXPECT_THAT(read({{.name = "a", .hard_link = "../../etc/shadow"}}).failure,
              HasSubstr("a link out of it"));
}

TEST(RootTree, AFullPathAndALinkThatPointsOutStayInside) {
  const auto seen = read({{.name = "/etc/motd", .content = "x"},
                          {.name = "out", .type = AE_IFLNK, .symlink = "../../../etc"},
                          {.name = "out/passwd", .content = "y"}});

  EXPECT_EQ(seen.failure, "");
  EXPECT_THAT(seen.contents.files, ElementsAre(Key("etc/motd"), Key("etc/passwd")));
}

TEST(RootTree, NothingLiesBehindASymbolicLink) {
  const auto seen = read({{.name = "lib", .type = AE_IFLNK, .symlink = "usr/lib"},
                          {.name = "lib/libc.so.6", .content = "x"},
                          {.name = "circle", .type = AE_IFLNK, .symlink = "circle"}});

  EXPECT_EQ(seen.failure, "");
  EXPECT_THAT(seen.contents.files, ElementsAre(Key("usr/lib/libc.so.6")));
  EXPECT_THAT(seen.contents.directories, ElementsAre(Key("usr"), Key("usr/lib")));
  EXPECT_THAT(read({{.name = "circle", .type = AE_IFLNK, .symlink = "circle"},
                    {.name = "circle/x", .content = "x"}})
                  .failure,
              HasSubstr("circle/x"));
}

TEST(RootTree, TheLaterOfTwoEntriesHolds) {
  const auto seen = read({{.name = "a", .content = "old"},
                          {.name = "b", .hard_link = "a"},
                          {.name = "a", .content = "new"},
                          {.name = "c", .content = "file"},
                          {.name = "c", .type = AE_IFLNK, .symlink = "a"}});

  EXPECT_EQ(seen.contents.files.at("a").content, "new");
  EXPECT_EQ(seen.contents.files.at("b").content, "old");
  EXPECT_THAT(seen.contents.hard_links, IsEmpty());
  EXPECT_THAT(seen.contents.symlinks, ElementsAre(Pair("c", "a")));
  EXPECT_THAT(seen.contents.files, Not(Contains(Key("c"))));
}

TEST(RootTree, AHardLinkToNothingIsRefused) {
  EXPECT_THAT(read({{.name = "b", .hard_link = "a"}}).failure,
              AllOf(HasSubstr("b is a hard link to a"), HasSubstr("no file")));
}

TEST(RootTree, DevicesAndWhatTheLabHasItselfAreLeftOut) {
  const auto seen = read({{.name = "dev/null", .type = AE_IFCHR},
                          {.name = "init", .type = AE_IFLNK, .symlink = "lib/systemd/systemd"},
                          {.name = "payload/x", .content = "x"},
                          {.name = "nsgate", .content = "x"},
                          {.name = "initrd.img", .content = "kept"}});

  EXPECT_EQ(seen.failure, "");
  EXPECT_THAT(seen.contents.files, ElementsAre(Key("initrd.img")));
  EXPECT_THAT(seen.contents.symlinks, IsEmpty());
  EXPECT_THAT(seen.contents.directories, IsEmpty());
}

TEST(RootTree, WhatIsExcludedIsLeftOutWithAllInIt) {
  const auto seen = read({{.name = "./usr/share/doc", .type = AE_IFDIR},
                          {.name = "./usr/share/doc/dash/copyright", .content = "x"},
                          {.name = "./usr/share/docs", .content = "kept"}},
                         {"usr/share/doc"});

  EXPECT_THAT(seen.contents.files, ElementsAre(Key("usr/share/docs")));
  EXPECT_THAT(seen.contents.directories, ElementsAre(Key("usr"), Key("usr/share")));
}

TEST(RootTree, WhatIsNoTarIsRefused) {
  const ScratchFolder folder;
  for (const std::string& text : {std::string(), std::string("no tar"), std::string(4096, 'x')}) {
    const auto file = folder.write("root.tar", text);
    const auto tree = read_root_tree(file);
    ASSERT_FALSE(tree);
    EXPECT_THAT(tree.error().message,
                AllOf(HasSubstr(file.string()), HasSubstr("neither a directory nor a tar")));
  }
  EXPECT_THAT(read_root_tree(folder.path() / "gone").error().message, HasSubstr("does not exist"));
}

TEST(RootTree, ATarThatBreaksOffIsRefused) {
  const ScratchFolder folder;
  for (const char* filter : {"none", "gzip", "zstd"}) {
    SCOPED_TRACE(filter);
    const auto file = folder.path() / "root.tar";
    std::string noise;
    for (unsigned i = 0, x = 1; i < 200000; ++i)
      noise += static_cast<char>((x = x * 69069 + 1) >> 24);
    write_tar(file, {{.name = "small", .content = "x"}, {.name = "large", .content = noise}},
              filter);
    fs::resize_file(file, fs::file_size(file) / 2);

    const auto tree = read_root_tree(file);

    ASSERT_FALSE(tree);
    // zstd gives out whole blocks only, so that not even the first entry is there.
    EXPECT_THAT(tree.error().message, AnyOf(HasSubstr("breaks off"), HasSubstr("runcated")));
  }
}

TEST(RootTree, LibrariesAreWhatTheLoaderFindsByItself) {
  auto entries = sample_root();
  entries.push_back(
      {.name = "usr/lib/x86_64-linux-gnu/libx.so.1", .type = AE_IFLNK, .symlink = "libx.so.1.2"});
  entries.push_back({.name = "usr/lib/x86_64-linux-gnu/libx.so.1.2", .content = "x"});
  entries.push_back(
      {.name = "usr/lib/x86_64-linux-gnu/dangling.so", .type = AE_IFLNK, .symlink = "no"});
  entries.push_back({.name = "opt/lib/liby.so", .content = "x"});
  const RootTree tree(read(entries).contents);

  EXPECT_THAT(tree.libraries(),
              IsSupersetOf({"libc.so.6", "ld-linux-x86-64.so.2", "libx.so.1", "libx.so.1.2"}));
  EXPECT_THAT(tree.libraries(), Not(Contains("dangling.so")));
  EXPECT_THAT(tree.libraries(), Not(Contains("liby.so")));
}

TEST(RootTree, TakesWholePagesOfMemoryAndAHardLinkNone) {
  const RootTree tree(read({{.name = "a", .content = "x"},
                            {.name = "b", .content = std::string(4097, 'x')},
                            {.name = "c", .hard_link = "b"}})
                          .contents);

  EXPECT_EQ(tree.unpacked_bytes(), 3 * 4096U);
}

}  // namespace
}  // namespace nsgate::lab
