// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/qemu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace nsgate::lab {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class FindQemu : public testing::Test {
 protected:
  ~FindQemu() override { ::unsetenv("QEMU"); }
};

TEST_F(FindQemu, MissingProgramNamesThePackage) {
  ::setenv("QEMU", "/nowhere/qemu", 1);
  const auto qemu = find_qemu();
  ASSERT_FALSE(qemu);
  EXPECT_EQ(qemu.error().code, ExitCode::could_not_start);
  EXPECT_THAT(qemu.error().message,
              AllOf(HasSubstr("/nowhere/qemu"), HasSubstr("package qemu-system-x86")));
}

TEST_F(FindQemu, ProgramThatFailsIsNoQemu) {
  ::setenv("QEMU", "false", 1);
  EXPECT_FALSE(find_qemu());
}

TEST(QemuCommand, CommaInAPathIsDoubledWhereItWouldEndAnOption) {
  EXPECT_THAT(qemu_command({"qemu", ""},
                           {.kernel = "/k", .initrd = "/a,b/i", .console = "/a,b/console.log"}),
              Contains("file,id=console,path=/a,,b/console.log"));
}

TEST(QemuCommand, DebuggerIsWaitedForOnTheLoopbackWithFixedAddresses) {
  const auto command = qemu_command(
      {"qemu", ""}, {.kernel = "/k", .initrd = "/i", .console = "/c", .gdb_port = 1234});
  EXPECT_THAT(command, AllOf(Contains("tcp:127.0.0.1:1234"), Contains("-S"),
                             Contains(HasSubstr(" nokaslr"))));
  EXPECT_THAT(qemu_command({"qemu", ""}, {.kernel = "/k", .initrd = "/i", .console = "/c"}),
              testing::Not(testing::AnyOf(Contains("-S"), Contains(HasSubstr("nokaslr")))));
}

TEST(QemuCommand, PersonGetsTheConsoleAndTheFramesGoToAFile) {
  const auto command =
      qemu_command({"qemu", ""}, {.kernel = "/k", .initrd = "/i", .console = "/c", .frames = "/f"});
  EXPECT_THAT(command, AllOf(Contains("stdio,id=console,mux=on,signal=off,logfile=/c"),
                             Contains("file,id=frames,path=/f")));
}

}  // namespace
}  // namespace nsgate::lab
