// SPDX-License-Identifier: Apache-2.0
#include "lab/image/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;

std::string bytes_of(const fs::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

/// One member of the archives, read as the kernel reads it (initramfs buffer format, "newc").
struct Member {
  std::string name;
  std::size_t mode, uid, gid, mtime, major, minor;
  std::string content;
};

std::vector<Member> members_of(const fs::path& image) {
  const std::string archive = bytes_of(image);
  const auto field = [&archive](std::size_t header, std::size_t index) {
    return std::stoul(archive.substr(header + 6 + 8 * index, 8), nullptr, 16);
  };
  const auto aligned = [](std::size_t offset) { return (offset + 3) / 4 * 4; };
  std::vector<Member> members;
  for (std::size_t at = 0; archive.substr(at, 6) == "070701";) {
    const std::size_t name_size = field(at, 11);
    const std::size_t content = aligned(at + 110 + name_size);
    members.push_back({.name = archive.substr(at + 110, name_size - 1),
                       .mode = field(at, 1),
                       .uid = field(at, 2),
                       .gid = field(at, 3),
                       .mtime = field(at, 5),
                       .major = field(at, 9),
                       .minor = field(at, 10),
                       .content = archive.substr(content, field(at, 6))});
    if (members.back().name == "TRAILER!!!") {
      members.pop_back();
      // Another archive may follow, behind zeros, at a multiple of 4 (do_reset in
      // init/initramfs.c).
      at = archive.find_first_not_of('\0', content);
      if (at == archive.npos) return members;
      EXPECT_EQ(at % 4, 0u);
      continue;
    }
    at = aligned(content + members.back().content.size());
  }
  ADD_FAILURE() << image << " has no trailer";
  return members;
}

auto is_member(const std::string& name, std::size_t mode, const std::string& content) {
  return AllOf(Field(&Member::name, name), Field(&Member::mode, mode),
               Field(&Member::content, content));
}

/// Stand-ins for init and a payload, and a place for the image; gone at the end of the scope.
class Workshop {
 public:
  Workshop() {
    std::ofstream(init) << "the init";
    std::ofstream(program) << "the payload";
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop() { fs::remove_all(directory_); }

  Expected<void> build(const Payload& payload) const {
    return images.build({.init = init, .payload = payload}, plan, image);
  }
  fs::path path(const std::string& name) const { return directory_ / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

 private:
  std::string pattern_ = fs::temp_directory_path() / "image.XXXXXX";
  fs::path directory_ = ::mkdtemp(pattern_.data());

 public:
  mutable ImageBuilder images;
  const fs::path init = path("nsgate_init");
  const fs::path program = path("tests");
  const fs::path image = path("image.cpio");
  const frame::Plan plan{.nonce = "6f1d",
                         .user = frame::User::rootless,
                         .test_deadline = std::chrono::seconds(45),
                         .program = "/payload/tests",
                         .tests = {"InNetns.Returns"}};
};

TEST(Image, HoldsInitPlanProgramAndCarriedFiles) {
  const Workshop workshop;
  std::ofstream(workshop.path("helper")) << "the helper";
  std::ofstream(workshop.path("empty")) << "";
  const Payload payload{.program = workshop.program,
                        .carried = {workshop.path("helper"), workshop.path("empty")}};

  ASSERT_TRUE(workshop.build(payload));

  const auto members = members_of(workshop.image);
  EXPECT_THAT(members, Contains(is_member("init", S_IFREG | 0755, "the init")));
  EXPECT_THAT(members, Contains(is_member("payload/tests", S_IFREG | 0755, "the payload")));
  EXPECT_THAT(members, Contains(is_member("payload/helper", S_IFREG | 0755, "the helper")));
  EXPECT_THAT(members, Contains(is_member("payload/empty", S_IFREG | 0755, "")));
  EXPECT_EQ(path_in_guest(payload), "/payload/tests");
}

TEST(Image, OnlyRootMayReadThePlan) {
  const Workshop workshop;

  ASSERT_TRUE(workshop.build({.program = workshop.program, .carried = {}}));

  EXPECT_THAT(members_of(workshop.image),
              Contains(is_member("nsgate/plan", S_IFREG | 0600, frame::encode(workshop.plan))));
  EXPECT_EQ(fs::status(workshop.image).permissions(), fs::perms(0600));
}

TEST(Image, HoldsTheConsoleAndThePlacesToMount) {
  const Workshop workshop;

  ASSERT_TRUE(workshop.build({.program = workshop.program, .carried = {}}));

  const auto members = members_of(workshop.image);
  EXPECT_THAT(members, Contains(AllOf(is_member("dev/console", S_IFCHR | 0600, ""),
                                      Field(&Member::major, 5), Field(&Member::minor, 1))));
  EXPECT_THAT(members, Contains(AllOf(is_member("dev/null", S_IFCHR | 0600, ""),
                                      Field(&Member::major, 1), Field(&Member::minor, 3))));
  for (const char* place : {"dev", "proc", "sys", "tmp", "run", "newroot"}) {
    EXPECT_THAT(members, Contains(is_member(place, S_IFDIR | 0755, ""))) << place;
  }
}

TEST(Image, DirectoriesComeFirstAndNamesAreSorted) {
  const Workshop workshop;

  ASSERT_TRUE(workshop.build({.program = "/bin/true", .carried = {workshop.program}}));

  const auto members = members_of(workshop.image);
  const auto is_directory = [](const Member& member) { return S_ISDIR(member.mode); };
  const auto is_file = [](const Member& member) { return S_ISREG(member.mode); };
  EXPECT_TRUE(std::ranges::is_partitioned(members, is_directory));
  const auto first_file = std::ranges::find_if(members, is_file);
  EXPECT_TRUE(std::ranges::is_sorted(first_file, members.end() - 1, {}, &Member::name));
  for (const auto& member : members) {
    const auto parent = fs::path(member.name).parent_path().string();
    EXPECT_TRUE(parent.empty() || std::ranges::count(members, parent, &Member::name) == 1)
        << member.name;
  }
}

TEST(Image, TheSameInputsGiveTheSameBytes) {
  const Workshop workshop;
  const Payload payload{.program = workshop.program, .carried = {"/bin/true"}};
  ASSERT_TRUE(workshop.build(payload));
  const std::string first = bytes_of(workshop.image);

  fs::last_write_time(workshop.program, fs::file_time_type::clock::now() + std::chrono::hours(9));
  fs::permissions(workshop.program, fs::perms(0640));
  ASSERT_TRUE(workshop.build(payload));

  EXPECT_TRUE(bytes_of(workshop.image) == first);
  EXPECT_THAT(members_of(workshop.image), Each(AllOf(Field(&Member::uid, 0), Field(&Member::gid, 0),
                                                     Field(&Member::mtime, 0))));
}

TEST(Image, SharedLibrariesLieWhereTheLoaderLooks) {
  const Workshop workshop;

  ASSERT_TRUE(workshop.build({.program = "/bin/true", .carried = {}}));

  const auto members = members_of(workshop.image);
  for (const char* file : {"/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"}) {
    EXPECT_TRUE(std::ranges::any_of(members, [file](const Member& member) {
      return "/" + member.name == file && S_ISREG(member.mode) && member.content == bytes_of(file);
    })) << file;
  }
}

TEST(Image, AMissingPartIsNamed) {
  const Workshop workshop;
  for (const char* missing : {"/no/such/program", "/proc"}) {
    const auto built = workshop.build({.program = workshop.program, .carried = {missing}});
    ASSERT_FALSE(built) << missing;
    EXPECT_EQ(built.error().code, ExitCode::could_not_start);
    EXPECT_THAT(built.error().message, HasSubstr(missing));
  }
}

TEST(Image, TwoDifferentFilesOfOneNameAreRefused) {
  const Workshop workshop;
  fs::create_directory(workshop.path("other"));
  std::ofstream(workshop.path("other") / "tests") << "another payload";

  const auto built =
      workshop.build({.program = workshop.program, .carried = {workshop.path("other") / "tests"}});

  ASSERT_FALSE(built);
  EXPECT_THAT(built.error().message, HasSubstr("two different files would be /payload/tests"));
}

TEST(Image, AFolderThatIsMissingIsNamed) {
  const Workshop workshop;
  const auto output = workshop.path("missing") / "image.cpio";

  const auto built = workshop.images.build(
      {.init = workshop.init, .payload = {.program = workshop.program, .carried = {}}},
      workshop.plan, output);

  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().code, ExitCode::could_not_start);
  EXPECT_THAT(built.error().message,
              AllOf(HasSubstr(output.string()), HasSubstr("No such file or directory")));
}

/// Stands in for a full disk: files of this process end at `size`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = size, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_ = ::signal(SIGXFSZ, SIG_IGN);
};

TEST(Image, AHalfWrittenArchiveIsNotLeftBehind) {
  const Workshop workshop;
  const auto before = workshop.names();

  const auto built = [&workshop] {
    const FileSizeLimit limit(64 * 1024);
    return workshop.build({.program = "/bin/true", .carried = {}});
  }();

  ASSERT_FALSE(built);
  EXPECT_THAT(built.error().message,
              AllOf(HasSubstr("cannot write the archive"), HasSubstr("File too large")));
  EXPECT_EQ(workshop.names(), before);
}

}  // namespace
}  // namespace nsgate::lab
