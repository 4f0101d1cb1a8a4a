// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/splat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> titles(const KernelLog& log) {
  std::vector<std::string> all;
  for (const auto& splat : log.splats) all.push_back(splat.title);
  return all;
}

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
  EXPECT_THAT(
      titles(read_kernel_log("[ 1.0] ------------[ cut here ]------------\n"
                             "[ 1.0] WARNING: CPU: 0 PID: 9 at net/core/net_namespace.c:42\n"
                             "[ 1.0] Modules linked in:\n")),
      ElementsAre("WARNING: CPU: 0 PID: 9 at net/core/net_namespace.c:42"));
  EXPECT_THAT(titles(read_kernel_log("[ 1.0] ------------[ cut here ]------------\n")),
              ElementsAre("------------[ cut here ]------------"));
}

// Found by fuzzing: the splat had no title.
TEST(KernelLog, CutHereBeforeAnEmptyMessageIsNamedByItself) {
  const auto log = read_kernel_log("[ 1.0] ------------[ cut here ]------------\n[ 1.1] \n");
  ASSERT_EQ(log.splats.size(), 1u);
  EXPECT_EQ(log.splats[0].title, "------------[ cut here ]------------");
}

TEST(KernelLog, SplatAfterAnUnfinishedLineOfAProgramIsFound) {
  EXPECT_THAT(
      titles(read_kernel_log("hello from a test[    1.25] BUG: unable to handle page fault\n")),
      ElementsAre("BUG: unable to handle page fault"));
}

TEST(KernelLog, IsWholeOnceTheKernelHasRestarted) {
  EXPECT_FALSE(read_kernel_log("").to_the_end);
  EXPECT_FALSE(read_kernel_log("[ 1.0] Run /init as init process\n").to_the_end);
  EXPECT_TRUE(read_kernel_log("[ 1.0] reboot: Restarting system\n[ 1.0] reboot: machine restart")
                  .to_the_end);
}

TEST(KernelLog, IsWholeAtTheLastWordsOfInitWhereAThreadPrints) {
  EXPECT_TRUE(read_kernel_log("[ 1.0] nsgate: last words, printed by a thread\n").to_the_end);
  EXPECT_FALSE(read_kernel_log("hello, nsgate: last words, printed by a thread\n").to_the_end);
}

TEST(KernelLog, LastWordsAreThoseOfInitWhenItGaveUp) {
  EXPECT_EQ(read_kernel_log("nsgate init gives up: open /nsgate/plan: ENOENT\r\n"
                            "[ 1.0] reboot: Restarting system\r\n")
                .last_words,
            "nsgate init gives up: open /nsgate/plan: ENOENT");
}

TEST(KernelLog, RepeatedSplatIsNamedOnce) {
  EXPECT_THAT(
      titles(read_kernel_log("[ 1.0] unregister_netdevice: waiting for lo to become free\n"
                             "[ 11.0] unregister_netdevice: waiting for lo to become free\n")),
      ElementsAre("unregister_netdevice: waiting for lo to become free"));
}

constexpr const char* oops =
    "[ 1.0] nsgate: start A.One\n"
    "[ 1.1] BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
    "[ 1.1] Oops: 0000 [#1] PREEMPT SMP\n"
    "[ 1.1] RIP: 0010:cleanup_net+0x1a/0x2b\n"
    "[ 1.1] Call Trace:\n"
    "[ 1.1]  <TASK>\n"
    "[ 1.1]  ? __die+0x1f/0x70\n"
    "[ 1.1]  cleanup_net+0x1a/0x2b\n"
    "[ 1.1]  process_one_work.constprop.0+0x1c7/0x380 [nf_tables]\n"
    "[ 1.1]  worker_thread+0x4d/0x380\n"
    "[ 1.1]  </TASK>\n"
    "[ 1.1] ---[ end trace 0000000000000000 ]---\n"
    "[ 1.2] nsgate: end A.One\n";

TEST(KernelLog, OopsIsOneSplatOfItsTest) {
  const auto log = read_kernel_log(oops);
  ASSERT_EQ(log.splats.size(), 1u);
  EXPECT_EQ(log.splats[0].test, "A.One");
  EXPECT_FALSE(log.splats[0].late);
  EXPECT_THAT(log.splats[0].text, HasSubstr("RIP: 0010:cleanup_net"));
}

TEST(KernelLog, FingerprintHasTheFaultAndItsFunctionsButNoNumbers) {
  EXPECT_EQ(read_kernel_log(oops).splats.at(0).fingerprint,
            "BUG: kernel NULL pointer dereference, address: # | cleanup_net < process_one_work < "
            "worker_thread");
}

TEST(KernelLog, SameFaultElsewhereHasTheSameFingerprint) {
  std::string other = oops;
  for (auto at = other.find("+0x1"); at != other.npos; at = other.find("+0x1")) {
    other.replace(at, 4, "+0x9");
  }
  EXPECT_EQ(read_kernel_log(other).splats.at(0).fingerprint,
            read_kernel_log(oops).splats.at(0).fingerprint);
}

TEST(KernelLog, SplatAfterTheEndOfATestIsLate) {
  const auto log = read_kernel_log(
      "[ 1.0] nsgate: start A.One\n[ 1.1] nsgate: end A.One\n"
      "[ 1.2] unregister_netdevice: waiting for lo to become free. Usage count = 2\n"
      "[ 1.3] nsgate: start A.Two\n");
  ASSERT_EQ(log.splats.size(), 1u);
  EXPECT_EQ(log.splats[0].test, "A.One");
  EXPECT_TRUE(log.splats[0].late);
}

TEST(KernelLog, SameSplatOfTwoTestsIsToldTwice) {
  const auto log = read_kernel_log(
      "nsgate: start A.One\nWARNING: x\nWARNING: x\nnsgate: end A.One\n"
      "nsgate: start A.Two\nWARNING: x\n");
  EXPECT_EQ(log.splats.size(), 2u);
}

TEST(KernelLog, SplatBeforeTheFirstTestBelongsToNone) {
  EXPECT_EQ(read_kernel_log("WARNING: boot\n").splats.at(0).test, "");
}

class SplatLine : public testing::TestWithParam<const char*> {};

TEST_P(SplatLine, IsFoundWithAndWithoutStamps) {
  const std::string line = GetParam();
  for (const char* stamp :
       {"", "[    1.234567] ", "[    1.234567][   T12] ", "[   1.2] [   C0] "}) {
    EXPECT_THAT(titles(read_kernel_log(stamp + line + "\r\n")), ElementsAre(line)) << stamp;
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

TEST(KernelLog, OopsAfterAnotherSplatIsOneOfItsOwn) {
  EXPECT_THAT(titles(read_kernel_log(
                  "[ 1.0] unregister_netdevice: waiting for lo to become free\n"
                  "[ 1.1] Oops: general protection fault, probably for non-canonical address\n")),
              ElementsAre("unregister_netdevice: waiting for lo to become free",
                          "Oops: general protection fault, probably for non-canonical address"));
}

}  // namespace
}  // namespace nsgate::lab
