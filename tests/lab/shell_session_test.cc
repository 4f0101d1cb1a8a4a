// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/shell_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "guest_frames.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// PATH as it was, at the end of the scope.
class Path {
 public:
  explicit Path(const std::string& value) : before_(std::getenv("PATH")) {
    ::setenv("PATH", value.c_str(), 1);
  }
  Path(const Path&) = delete;
  ~Path() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  const std::string before_;
};

TEST(ShellOf, UserlandHasItsOwn) {
  Cell cell;
  cell.userland.archive = "/cache/trixie.cpio";
  EXPECT_EQ(value_of(shell_of(cell)), "/bin/sh");
  EXPECT_TRUE(cell.payload.carried.empty());
}

TEST(ShellOf, WithoutAUserlandItIsBusybox) {
  const ScratchFolder folder;
  const auto busybox = folder.write("bin/busybox", "");
  std::filesystem::permissions(busybox, std::filesystem::perms(0755));
  const Path path("/nowhere:" + (folder.path() / "bin").string());
  Cell cell;
  EXPECT_EQ(value_of(shell_of(cell)), "/payload/busybox sh");
  EXPECT_THAT(cell.payload.carried, ElementsAre(busybox));
}

TEST(ShellOf, NoShellNamesTheRemedies) {
  const Path path("/nowhere");
  Cell cell;
  const auto shell = shell_of(cell);
  ASSERT_FALSE(shell);
  EXPECT_EQ(shell.error().code, ExitCode::could_not_start);
  EXPECT_THAT(shell.error().message,
              testing::AllOf(HasSubstr("--userland bookworm"), HasSubstr("busybox-static")));
}

/// The code and message for what the guest sent; ends well: {pass, ""}.
Failure judged(const std::string& frames, int wait_status = 0, const std::string& console = "") {
  FrameReader reader(
      {.nonce = std::string(test_nonce), .user = "root", .release = {}, .tests = {}});
  reader.feed(frames);
  const auto good = judge_session(wait_status, reader, console);
  return good ? Failure{ExitCode::pass, ""} : good.error();
}

TEST(JudgeSession, ShellThatWasThereEndsWell) {
  EXPECT_EQ(judged(GuestFrames().hello(0).bye(0).take()).code, ExitCode::pass);
  // Ctrl-A x, or a restart from within.
  EXPECT_EQ(judged(GuestFrames().hello(0).take()).code, ExitCode::pass);
}

TEST(JudgeSession, GuestThatNeverCameToItsShellIsTold) {
  const auto end = judged("", 0, "[ 0.1] Linux\nnsgate init gives up: exec: ENOENT\n");
  EXPECT_EQ(end.code, ExitCode::infrastructure);
  EXPECT_EQ(end.message,
            "the guest ended before its shell began: nsgate init gives up: exec: ENOENT");
}

TEST(JudgeSession, PanicIsAFailure) {
  const auto end = judged(GuestFrames().hello(0).take(), 0,
                          "[    9.1] Kernel panic - not syncing: sysrq triggered crash\n");
  EXPECT_EQ(end.code, ExitCode::fail);
  EXPECT_THAT(end.message, HasSubstr("sysrq triggered crash"));
}

TEST(JudgeSession, QemuThatFailsIsInfrastructure) {
  EXPECT_EQ(judged("", 1 << 8).message, "QEMU exited with 1");
  EXPECT_EQ(judged(GuestFrames().hello(0).take(), 9).message, "QEMU was killed by signal 9");
}

TEST(JudgeSession, KernelThatCannotBeTheCellIsSkipped) {
  EXPECT_EQ(judged(GuestFrames().send("unavailable", R"({"reason":"no SELinux"})").take()).code,
            ExitCode::all_skipped);
}

}  // namespace
}  // namespace nsgate::lab
