// SPDX-License-Identifier: Apache-2.0
//
// A broken guest is never a pass: what `nsgate run` answers to each condition, with real guests.
// "Rest" is what becomes of the tests behind it: "goes on" in a fresh guest (at most 6 a cell), or
// "same guest". The faults are real unless they are said to be pretended. Tests show them: of the
// suite Faults, which is here, of FaultyQemu (faulty_qemu_test.cc), of RunInProgress
// (faults_in_progress_test.cc) and of SmallDisk (small_disk_test.cc).
//
//   CONDITION                                            EXIT  TEST   REST        SHOWN BY
//   fails, crashes, exits 0 without a report               1   FAIL   same guest  (cell_test.cc)
//   hangs in user space                                    1   FAIL   goes on     DeadlineHolds…
//   kernel panic (sysrq)                                   1   FAIL   goes on     SpoiltByTheKernel
//   init segfaults                                         1   FAIL   goes on     SpoiltByTheKernel
//   RCU stall                                              1   FAIL   goes on     by hand
//   RCU stall, console silenced (/dev/kmsg tells)          1   FAIL   goes on     by hand
//   taint without a word                                   1   FAIL   goes on     SpoiltInSilence
//   WARN, BUG on the console (pretended)                   1   FAIL   same guest  SpoiltInSilence
//   kernel's log overwritten unread                        2   ERROR  same guest  LostMessages
//   OOM                                                    1   FAIL   same guest  SpoiltInSilence
//   leak of a namespace, a mount, an interface             1   FAIL   goes on     Leaks
//   process that SIGKILL does not end                      1   FAIL   goes on     Leaks
//   guest hangs (init stopped)                           124   ERROR  goes on     HungGuests
//   machine with interrupts off                          124   ERROR  goes on     HungGuests
//   UART silent                                     2 or 124   ERROR  goes on     HungGuests
//   QEMU stopped (SIGSTOP)                               124   ERROR  goes on     StoppedQemu
//   restart without a bye                                  2   ERROR  goes on     SpoiltFrames
//   frame forged; frames flooded (100 MB)                  2   ERROR  goes on     SpoiltFrames
//   frames cut, lost at the end, reordered, repeated,
//   with a flipped letter                                  2   ERROR  goes on     FaultyWire
//   QEMU killed                                            2   ERROR  goes on     KilledQemu
//   clock jumps, forth and back                            0   PASS   same guest  ClockJumps
//   6 guests spoilt                                        1   FAIL   MISS TooManySpoiltGuests
//   kernel that never boots                                2   MISS   MISS        NeverBoots
//   file that is no kernel                               125   -      -           NoKernel
//   initrd of garbage, without init                        2   MISS   MISS        WrongInitrd
//   disk full while the guest runs                         2   -      -           FullWhile…
//   disk full before                                     125   MISS   MISS        FullBefore…
//   Ctrl-C; kept and marked; no orphan                   130   MISS   MISS        Interrupt
//   second Ctrl-C                                     SIGINT   -      -           SecondInterrupt…
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tiny_kernel.h"
#include "vm/faulty_run.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

class Faults : public FaultyRun {};

TEST_F(Faults, SpoiltByTheKernel) {
  const auto run = judged({"Passes", "PanicsTheKernel", "SegfaultsInit", "ComesLast"});
  EXPECT_EQ(run.exit, 1) << run.err;
  EXPECT_EQ(run.guests(), 3u);
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("PanicsTheKernel"), "FAIL");
  EXPECT_THAT(run.reason("PanicsTheKernel"),
              StartsWith("Kernel panic - not syncing: sysrq triggered crash"));
  EXPECT_EQ(run.status("SegfaultsInit"), "FAIL");
  EXPECT_THAT(run.reason("SegfaultsInit"),
              StartsWith("Kernel panic - not syncing: Attempted to kill init!"));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

// Only by hand (--gtest_also_run_disabled_tests): a stock kernel on one emulated processor does not
// stall each time that it is asked to, one of five runs failed for that. What a stall prints is
// golden/rcu-stall-6.1.log.
TEST_F(Faults, DISABLED_SpoiltByAStallOfRcu) {
  const auto run = judged({"Passes", "StallsRcu", "StallsRcuInSilence", "ComesLast"});
  EXPECT_EQ(run.exit, 1) << run.err;
  for (const auto* test : {"StallsRcu", "StallsRcuInSilence"}) {
    EXPECT_EQ(run.status(test), "FAIL") << test;
    EXPECT_THAT(run.reason(test), HasSubstr("the kernel said: rcu: INFO: rcu_")) << test;
  }
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, SpoiltInSilence) {
  const auto run = judged({"Passes", "PretendsAWarning", "PretendsABug", "EatsAllMemory",
                           "TaintsTheKernel", "ComesLast"});
  EXPECT_EQ(run.exit, 1) << run.err;
  EXPECT_EQ(run.guests(), 2u);
  EXPECT_EQ(run.status("PretendsAWarning"), "FAIL");
  EXPECT_THAT(run.reason("PretendsAWarning"), HasSubstr("the kernel said: WARNING: CPU: 0"));
  EXPECT_EQ(run.status("PretendsABug"), "FAIL");
  EXPECT_THAT(run.reason("PretendsABug"), AllOf(HasSubstr("killed by SIGKILL"),
                                                HasSubstr("the kernel said: BUG: kernel NULL")));
  EXPECT_EQ(run.status("EatsAllMemory"), "FAIL");
  EXPECT_THAT(run.reason("EatsAllMemory"), StartsWith("killed by SIGKILL"));
  EXPECT_EQ(run.status("TaintsTheKernel"), "FAIL");
  EXPECT_THAT(run.reason("TaintsTheKernel"), HasSubstr("tainted without a word: W (warning)"));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, LostMessages) {
  const auto run = judged({"Passes", "FloodsTheKernelsLog", "ComesLast"});
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_EQ(run.status("FloodsTheKernelsLog"), "ERROR");
  EXPECT_THAT(run.reason("FloodsTheKernelsLog"), HasSubstr("overwritten unread"));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, Leaks) {
  const auto run = judged({"Passes", "PinsANamespace", "LeavesAMount", "LeavesAnInterface",
                           "LeavesAProcessThatDiesTooSlowly", "ComesLast"});
  EXPECT_EQ(run.exit, 1) << run.err;
  EXPECT_EQ(run.guests(), 5u);
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("PinsANamespace"), "FAIL");
  EXPECT_THAT(run.reason("PinsANamespace"),
              AllOf(HasSubstr("left behind: a namespace"), HasSubstr("/run/pin")));
  EXPECT_EQ(run.status("LeavesAMount"), "FAIL");
  EXPECT_THAT(run.reason("LeavesAMount"),
              AllOf(StartsWith("left behind: mounts: "), HasSubstr("/run/mounted")));
  EXPECT_EQ(run.status("LeavesAnInterface"), "FAIL");
  EXPECT_EQ(run.reason("LeavesAnInterface"), "left behind: interfaces: left0, no more lo");
  EXPECT_EQ(run.status("LeavesAProcessThatDiesTooSlowly"), "FAIL");
  EXPECT_THAT(run.reason("LeavesAProcessThatDiesTooSlowly"),
              HasSubstr("its processes could not be killed"));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, HungGuests) {
  const auto run = judged({"Passes", "HangsTheGuest", "HaltsWithInterruptsOff",
                           "SilencesTheSerialPort", "SilencesTheSerialPort", "ComesLast"},
                          {"--silence", "6"});
  EXPECT_EQ(run.exit, 124) << run.err;
  EXPECT_EQ(run.guests(), 4u);
  EXPECT_EQ(run.status("Passes"), "PASS");
  for (const auto* test : {"HangsTheGuest", "HaltsWithInterruptsOff"}) {
    EXPECT_EQ(run.status(test), "ERROR") << test;
    EXPECT_THAT(run.reason(test), StartsWith("was running when: the guest hung during Faulty." +
                                             std::string(test) + ": no frame for 6 s"))
        << test;
  }
  // Whether init hangs on its port or ends without having been heard is up to the UART.
  EXPECT_EQ(run.status("SilencesTheSerialPort"), "ERROR");
  EXPECT_THAT(run.reason("SilencesTheSerialPort"),
              AnyOf(HasSubstr("the guest hung during"), HasSubstr("without a bye")));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, SpoiltFrames) {
  const auto run =
      judged({"Passes", "CutsTheFrames", "ForgesAFrame", "FloodsTheFrames", "ComesLast"});
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_EQ(run.guests(), 4u);
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("CutsTheFrames"), "ERROR");
  EXPECT_THAT(run.reason("CutsTheFrames"), HasSubstr("without a bye"));
  EXPECT_EQ(run.status("ForgesAFrame"), "ERROR");
  EXPECT_THAT(run.reason("ForgesAFrame"), HasSubstr("its checksum is wrong"));
  EXPECT_EQ(run.status("FloodsTheFrames"), "ERROR");
  EXPECT_THAT(run.reason("FloodsTheFrames"), HasSubstr("longer than 1048576 bytes"));
  // The lab keeps what it judged, and not the flood.
  EXPECT_LT(fs::file_size(results() / run.cell["cell"].get<std::string>() / "frames-3.log"),
            2u << 20);
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, ClockJumps) {
  const auto run = judged({"Passes", "SetsTheClockForward", "SetsTheClockBack", "ComesLast"});
  EXPECT_EQ(run.exit, 0) << run.err << run.reasons();
  EXPECT_EQ(run.guests(), 1u);
  for (const auto& test : run.cell["tests"]) {
    EXPECT_LT(test["seconds"].get<double>(), 60) << test;
    EXPECT_GE(test["seconds"].get<double>(), 0) << test;
  }
}

TEST_F(Faults, DeadlineHoldsAfterAClockJump) {
  const auto run = judged({"SetsTheClockAndHangs", "ComesLast"}, {"--test-deadline", "2"});
  EXPECT_EQ(run.exit, 1) << run.err;
  EXPECT_THAT(run.reason("SetsTheClockAndHangs"), StartsWith("no end within 2 s"));
  for (const auto& test : run.cell["tests"]) EXPECT_LT(test["seconds"].get<double>(), 60);
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(Faults, TooManySpoiltGuests) {
  const auto run =
      judged({"PanicsTheKernel", "CutsTheFrames", "ForgesAFrame", "TaintsTheKernel",
              "SegfaultsInit", "PretendsABug", "LeavesAMount", "LeavesAnInterface", "ComesLast"});
  EXPECT_EQ(run.exit, 1) << run.err;
  EXPECT_EQ(run.guests(), 6u);
  EXPECT_EQ(run.cell["counts"]["MISS"], 2);
  EXPECT_EQ(run.cell["tests"].back()["reason"], "never ran");
  EXPECT_THAT(run.reasons(), HasSubstr("6 guests were spoilt; the rest was not run"));
}

TEST_F(Faults, NeverBoots) {
  auto image = tiny_kernel("9.9.9-loops");
  image[0x200] = static_cast<char>(0xeb);  // jmp to itself, where the loader enters
  image[0x201] = static_cast<char>(0xfe);
  image[0x206] = 0x0f;  // version 2.15 of the boot protocol
  image[0x207] = 2;
  image.replace(0x22c, 4, "\xff\xff\xff\x7f");  // an initrd may lie anywhere
  kernel = folder.write("bzImage", image);
  const auto run = judged({"Passes"}, {"--accel", "tcg", "--boot-deadline", "2"});
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_EQ(run.status("Passes"), "MISS");
  EXPECT_THAT(run.reasons(), HasSubstr("did not boot within 2 s\nthe console is empty"));
}

TEST_F(Faults, NoKernel) {
  kernel = folder.write("bzImage", std::string(4096, 'x'));
  const auto answer = nsgate("root", {"Passes"});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.err, HasSubstr(kernel));
}

}  // namespace
}  // namespace nsgate::lab
