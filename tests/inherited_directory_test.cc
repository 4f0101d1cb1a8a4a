// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of directories that a program inherits lead out of whatever root it is given
// (CVE-2024-21626: runc left one open, and an image named it as its working directory). Core's
// programs inherit none.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_output.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"

namespace nsgate::test {
namespace {

/// A directory that the caller's programs inherit, with the file "mark" beside it.
struct Outside {
  Outside() : inherited(::fcntl(opened().get(), F_DUPFD, 20)) {
    (void)directory.file("mark", "outside");
  }
  Fd opened() const {
    const auto below = directory.path() / "below";
    ::mkdir(below.c_str(), 0755);
    return Fd(::open(below.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  std::string as_path(int number) const { return "/proc/self/fd/" + std::to_string(number); }

  ScratchDirectory directory;
  Fd inherited;
};

TEST(Exec, DirectoryOfTheCallerLeadsNoProgramOut) {
  BEHAVIOUR("FD10");
  REQUIRES(userns);
  const Outside outside;
  const std::string mark = outside.as_path(outside.inherited.get()) + "/../mark";
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {helper(), "file", mark}}), ExitsWith(helper_system));
  }
}

// What the test above would see of a caller that closes nothing.
TEST(ForkAndExec, DirectoryOfTheCallerLeadsOut) {
  BEHAVIOUR("FD10");
  const Outside outside;
  const std::string mark = outside.as_path(outside.inherited.get()) + "/../mark";
  const std::string program = helper();

  const auto child = output_of_child(
      [&] { return ::execl(program.c_str(), "helper", "file", mark.c_str(), nullptr); });

  EXPECT_EQ(child.out, "outside");
}

TEST(Exec, DescriptorOfTheCallerIsNoWorkingDirectory) {
  BEHAVIOUR("FD10");
  REQUIRES(userns);
  const Outside outside;
  const std::string below = outside.as_path(outside.inherited.get());
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {helper(), "file", "../mark"}, .directory = below}),
                FailsAt(Stage::directory, ENOENT));
  }
}

TEST(Exec, DirectoryThatIsPassedOnPurposeLeadsWhereItDoes) {
  BEHAVIOUR("FD10");
  REQUIRES(userns);
  const Outside outside;
  const int number = outside.inherited.get();
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {helper(), "file", outside.as_path(7) + "/../mark"},
                         .pass = {{number, 7}}}),
                Prints("outside"));
  }
}

}  // namespace
}  // namespace nsgate::test
