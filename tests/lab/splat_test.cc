// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/splat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(KernelLog, HealthyBootHasNoSplat) {
  const auto log = read_kernel_log(
      "[    0.000000] Linux version 6.1.0\r\n"
      "[    0.120000] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on\r\n"
      "[    1.000000] traps: a.out[7] general protection fault ip:401000 sp:7ffc error:0\r\n"
      "[    1.100000] a.out[8]: segfault at 0 ip 0000000000401000 error 4\r\n");
  EXPECT_THAT(log.splats, IsEmpty());
  EXPECT_EQ(log.panic, "");
  EXPECT_EQ(log.last_words, "[    1.100000] a.out[8]: segfault at 0 ip 0000000000401000 error 4");
}

TEST(KernelLog, PanicIsFoundWithItsCause) {
  EXPECT_EQ(
      read_kernel_log("[    2.0] Kernel panic - not syncing: sysrq triggered crash\r\n").panic,
      "Kernel panic - not syncing: sysrq triggered crash");
}

TEST(KernelLog, CutHereIsNamedByTheLineAfterIt) {
  EXPECT_THAT(read_kernel_log("[ 1.0] ------------[ cut here ]------------\n"
                              "[ 1.0] WARNING: CPU: 0 PID: 9 at net/core/net_namespace.c:42\n"
                              "[ 1.0] Modules linked in:\n")
                  .splats,
              ElementsAre("WARNING: CPU: 0 PID: 9 at net/core/net_namespace.c:42"));
  EXPECT_THAT(read_kernel_log("[ 1.0] ------------[ cut here ]------------\n").splats,
              ElementsAre("------------[ cut here ]------------"));
}

TEST(KernelLog, SplatAfterAnUnfinishedLineOfAProgramIsFound) {
  EXPECT_THAT(
      read_kernel_log("hello from a test[    1.25] BUG: unable to handle page fault\n").splats,
      ElementsAre("BUG: unable to handle page fault"));
}

TEST(KernelLog, IsWholeOnceTheKernelHasRestarted) {
  EXPECT_FALSE(read_kernel_log("").to_the_end);
  EXPECT_FALSE(read_kernel_log("[ 1.0] Run /init as init process\n").to_the_end);
  EXPECT_TRUE(read_kernel_log("[ 1.0] reboot: Restarting system\n[ 1.0] reboot: machine restart")
                  .to_the_end);
}

TEST(KernelLog, LastWordsAreThoseOfInitWhenItGaveUp) {
  EXPECT_EQ(read_kernel_log("nsgate init gives up: open /nsgate/plan: ENOENT\r\n"
                            "[ 1.0] reboot: Restarting system\r\n")
                .last_words,
            "nsgate init gives up: open /nsgate/plan: ENOENT");
}

TEST(KernelLog, RepeatedSplatIsNamedOnce) {
  EXPECT_THAT(read_kernel_log("[ 1.0] unregister_netdevice: waiting for lo to become free\n"
                              "[ 11.0] unregister_netdevice: waiting for lo to become free\n")
                  .splats,
              ElementsAre("unregister_netdevice: waiting for lo to become free"));
}

class SplatLine : public testing::TestWithParam<const char*> {};

TEST_P(SplatLine, IsFoundWithAndWithoutStamps) {
  const std::string line = GetParam();
  for (const char* stamp :
       {"", "[    1.234567] ", "[    1.234567][   T12] ", "[   1.2] [   C0] "}) {
    EXPECT_THAT(read_kernel_log(stamp + line + "\r\n").splats, ElementsAre(line)) << stamp;
  }
}

INSTANTIATE_TEST_SUITE_P(
    KernelLog, SplatLine,
    testing::Values("BUG: KASAN: slab-use-after-free in cleanup_net+0x1/0x2",
                    "BUG: unable to handle page fault for address: ffff",
                    "WARNING: possible recursive locking detected", "Oops: 0000 [#1] SMP PTI",
                    "general protection fault, probably for non-canonical address: 0000 [#1]",
                    "kernel BUG at net/core/dev.c:1!", "refcount_t: underflow; use-after-free.",
                    "unregister_netdevice: waiting for eth0 to become free. Usage count = 2",
                    "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
                    "INFO: task ip:12 blocked for more than 120 seconds."));

}  // namespace
}  // namespace nsgate::lab
