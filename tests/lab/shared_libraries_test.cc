// SPDX-License-Identifier: Apache-2.0
#include "lab/image/shared_libraries.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A folder that is gone at the end of the scope.
class Folder {
 public:
  Folder() = default;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  fs::path write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }
  fs::path path() const { return path_; }

 private:
  std::string pattern_ = fs::temp_directory_path() / "libraries.XXXXXX";
  fs::path path_ = ::mkdtemp(pattern_.data());
};

/// A program like /bin/true, but for the name of its C library.
std::string program_without_its_library() {
  std::ostringstream bytes;
  bytes << std::ifstream("/bin/true", std::ios::binary).rdbuf();
  std::string program = bytes.str();
  return program.replace(program.find("libc.so.6"), 9, "libQ.so.6");
}

/// Set for this scope only.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST(SharedLibraries, BeginWithTheLoader) {
  EXPECT_THAT(shared_libraries("/bin/true").value(),
              ElementsAre("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"));
}

TEST(SharedLibraries, AreNoneForAStaticProgramAndForOtherFiles) {
  const Folder folder;
  Elf64_Ehdr header{};
  std::copy_n(ELFMAG, SELFMAG, header.e_ident);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  const std::string_view elf(reinterpret_cast<const char*>(&header), sizeof header);

  EXPECT_THAT(shared_libraries(folder.write("static", elf)).value(), IsEmpty());
  EXPECT_THAT(shared_libraries(folder.write("data", "text")).value(), IsEmpty());
  EXPECT_THAT(shared_libraries(folder.write("empty", "")).value(), IsEmpty());
}

TEST(SharedLibraries, AMissingOneIsNamedWithItsProgram) {
  const Folder folder;
  const auto program = folder.write("program", program_without_its_library());

  const auto libraries = shared_libraries(program);

  ASSERT_FALSE(libraries);
  EXPECT_EQ(libraries.error().code, ExitCode::could_not_start);
  EXPECT_THAT(libraries.error().message,
              AllOf(HasSubstr(program.string()), HasSubstr("libQ.so.6")));
}

// The environment of a guest is not that of the host.
TEST(SharedLibraries, OneThatOnlyTheEnvironmentFindsIsMissing) {
  const Folder folder;
  const auto program = folder.write("program", program_without_its_library());
  fs::copy("/lib/x86_64-linux-gnu/libc.so.6", folder.path() / "libQ.so.6");
  const EnvironmentVariable library_path("LD_LIBRARY_PATH", folder.path());

  const auto libraries = shared_libraries(program);

  ASSERT_FALSE(libraries);
  EXPECT_THAT(libraries.error().message, HasSubstr("libQ.so.6"));
}

TEST(SharedLibraries, AMissingProgramAndACutOneAreNamed) {
  const Folder folder;
  const auto cut = folder.write("cut", program_without_its_library().substr(0, 100));
  for (const fs::path& program : {fs::path("/no/such/program"), cut}) {
    const auto libraries = shared_libraries(program);
    ASSERT_FALSE(libraries) << program;
    EXPECT_THAT(libraries.error().message, HasSubstr(program.string()));
  }
}

}  // namespace
}  // namespace nsgate::lab
