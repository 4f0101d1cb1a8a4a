// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/debugger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;

class Debugger : public testing::Test {
 protected:
  const ScratchFolder folder;
  Kernel kernel{.name = "6.1",
                .release = "6.1.0-56-cloud-amd64",
                .package_version = "6.1.192-2",
                .image = folder.path() / "linux/arch/x86/boot/bzImage",
                .image_sha256 = "",
                .unpinned = ""};
};

TEST_F(Debugger, SymbolsAreThoseOfTheBuildTree) {
  const auto vmlinux = folder.write("linux/vmlinux", "");
  EXPECT_EQ(vmlinux_of(kernel, folder.path()), vmlinux);
  EXPECT_EQ(gdb_hint(kernel, 1234, folder.path()), "the guest waits for a debugger: gdb " +
                                                       vmlinux.string() +
                                                       " -ex 'target remote 127.0.0.1:1234'");
}

TEST_F(Debugger, SymbolsMayLieBesideTheImageOrInstalled) {
  const auto installed = folder.write("debug/boot/vmlinux-6.1.0-56-cloud-amd64", "");
  EXPECT_EQ(vmlinux_of(kernel, folder.path() / "debug"), installed);
  const auto beside = folder.write("linux/arch/x86/boot/vmlinux", "");
  EXPECT_EQ(vmlinux_of(kernel, folder.path() / "debug"), beside);
}

TEST_F(Debugger, MissingSymbolsAreToldHowToGet) {
  EXPECT_EQ(vmlinux_of(kernel, folder.path()), "");
  EXPECT_THAT(gdb_hint(kernel, 9, folder.path()),
              HasSubstr("install linux-image-6.1.0-56-cloud-amd64-dbg of version 6.1.192-2"));
  kernel.package_version.clear();
  EXPECT_THAT(gdb_hint(kernel, 9, folder.path()), HasSubstr("beside " + kernel.image.string()));
}

}  // namespace
}  // namespace nsgate::lab
