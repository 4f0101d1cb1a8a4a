// SPDX-License-Identifier: Apache-2.0
//
// A broken guest is never a pass: what `nsgate run` answers to each condition, with real guests.
// "Rest" is what becomes of the tests behind it: "goes on" in a fresh guest (at most 6 a cell), or
// "same guest". The faults are real unless they are said to be pretended.
//
//   CONDITION                                            EXIT  TEST   REST        HERE
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
//   disk full while the guest runs                         2   -      -           SmallDisk
//   disk full before                                     125   MISS   MISS        SmallDisk
//   Ctrl-C; kept and marked; no orphan                   130   MISS   MISS        Interrupt
//   second Ctrl-C                                     SIGINT   -      -           Interrupt
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "tiny_kernel.h"
#include "vm/faulty_run.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
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

/// A program in QEMU's place.
class FaultyQemu : public Faults {
 protected:
  /// `text` is what a shell runs when a guest is to start; $real is QEMU.
  Words in_place_of_qemu(const std::string& text) const {
    const char* const chosen = std::getenv("QEMU");
    const auto script = folder.write(
        "qemu",
        "#!/bin/sh\nreal=" + std::string(chosen != nullptr ? chosen : "qemu-system-x86_64") +
            "\n[ \"$1\" = --version ] && exec $real --version\ncd " + folder.path().string() +
            "\n" + text);
    fs::permissions(script, fs::perms(0755));
    return {"QEMU=" + script.string()};
  }
};

// Each guest's frames pass through the next edit; the last guest's are left alone.
TEST_F(FaultyQemu, FaultyWire) {
  folder.write("edits",
               "/ end /{s/.\\{20\\}$//;q}\n"  // cut within a line
               "/ end /Q\n"                   // ends between two lines
               "3{h;d};4G\n"                  // two lines change places
               "/ start /p\n"                 // a line comes twice
               "/ end /s/Faulty/Faultx/\n");  // a letter is flipped
  const auto qemu = in_place_of_qemu(
      "n=$(($(cat count 2>/dev/null || echo 0) + 1))\n"
      "echo $n >count\n"
      "edit=$(sed -n \"${n}p\" edits)\n"
      "[ -z \"$edit\" ] && exec $real \"$@\"\n"
      "setpriv --pdeathsig KILL $real \"$@\" | sed -u \"$edit\"\n");
  const auto run = judged({"Passes", "FailsWithAMessage", "SkipsForARequirement",
                           "SkipsWithoutAReason", "Crashes", "ExitsZeroWithoutResult", "ComesLast"},
                          {"--accel", "tcg"}, qemu);
  EXPECT_EQ(run.exit, 1) << run.err;  // for ExitsZeroWithoutResult, whose frames came whole
  EXPECT_EQ(run.guests(), 6u);
  const auto was_running = [&](const char* test, const char* why) {
    EXPECT_EQ(run.status(test), "ERROR") << test;
    EXPECT_THAT(run.reason(test), AllOf(StartsWith("was running when: "), HasSubstr(why))) << test;
  };
  was_running("Passes", " bytes of ");
  was_running("FailsWithAMessage", "the frames end after 2 without a bye");
  was_running("SkipsForARequirement", "frames are lost");
  was_running("SkipsWithoutAReason", "a repeat");
  was_running("Crashes", "its checksum is wrong");
  EXPECT_EQ(run.status("ExitsZeroWithoutResult"), "FAIL");
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(FaultyQemu, WrongInitrd) {
  folder.write("garbage", std::string(8192, 'x'));
  const auto qemu = in_place_of_qemu(
      "for word; do\n"
      "  [ \"$before\" = -initrd ] && word=garbage\n"
      "  before=$word\n"
      "  set -- \"$@\" \"$word\"\n"
      "  shift\n"
      "done\n"
      "exec $real \"$@\"\n");
  const auto run = judged({"Passes", "ComesLast"}, {"--accel", "tcg"}, qemu);
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_EQ(run.guests(), 1u);
  EXPECT_EQ(run.status("Passes"), "MISS");
  EXPECT_EQ(run.status("ComesLast"), "MISS");
  EXPECT_THAT(run.reasons(), HasSubstr("Kernel panic - not syncing: VFS: Unable to mount root fs"));
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

/// A run that is looked at while it goes on.
class RunInProgress : public Faults {
 protected:
  void start(const Words& tests, const Words& more = {}) {
    auto argv = command("root", tests, more);
    argv.insert(argv.end(), {"--json", "--accel", "tcg"});
    auto started = Process::start({.argv = argv,
                                   .extra_env = {},
                                   .stderr_file = folder.path() / "stderr",
                                   .working_directory = {}});
    ASSERT_TRUE(started) << started.error().message;
    nsgate_.emplace(std::move(*started));
  }

  /// False when it did not come true in a time that is plenty.
  template <typename Condition>
  static bool await(const Condition& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  void await_start_of(const std::string& test) const {
    ASSERT_TRUE(await([&] {
      return file("frames.log").contains(" start {\"test\":\"Faulty." + test);
    })) << test
        << " never started: " << contents(folder.path() / "stderr");
  }

  /// A file of the one cell, empty as long as it is not there.
  std::string file(const std::string& name) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(results(), error)) {
      if (entry.is_directory() && fs::exists(entry.path() / name)) {
        return contents(entry.path() / name);
      }
    }
    return {};
  }

  pid_t qemu() const {
    const auto pid = std::to_string(nsgate_->pid());
    for (const auto& thread : fs::directory_iterator("/proc/" + pid + "/task")) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; children >> child;) {
        if (contents("/proc/" + std::to_string(child) + "/comm").starts_with("qemu")) return child;
      }
    }
    ADD_FAILURE() << "nsgate has no QEMU";
    return 0;
  }

  static bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

  JudgedCell finish() {
    std::string out;
    std::array<char, 65536> buffer{};
    ssize_t size = 0;
    while ((size = ::read(nsgate_->stdout_fd(), buffer.data(), buffer.size())) != 0) {
      if (size > 0) out.append(buffer.data(), static_cast<std::size_t>(size));
      pollfd more{nsgate_->stdout_fd(), POLLIN, 0};
      if (size < 0) ::poll(&more, 1, -1);
    }
    const int status = nsgate_->wait();
    return judged_of({exit_code(status), out, contents(folder.path() / "stderr")});
  }

  std::optional<Process> nsgate_;
};

TEST_F(RunInProgress, KilledQemu) {
  ASSERT_NO_FATAL_FAILURE(start({"Passes", "Hangs", "ComesLast"}));
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  ASSERT_EQ(::kill(qemu(), SIGKILL), 0);
  const auto run = finish();
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_EQ(run.guests(), 2u);
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("Hangs"), "ERROR");
  EXPECT_EQ(run.reason("Hangs"), "was running when: QEMU was killed by signal 9");
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(RunInProgress, StoppedQemu) {
  ASSERT_NO_FATAL_FAILURE(start({"Passes", "Hangs", "ComesLast"}, {"--silence", "3"}));
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  const auto stopped = qemu();
  ASSERT_EQ(::kill(stopped, SIGSTOP), 0);
  const auto run = finish();
  EXPECT_EQ(run.exit, 124) << run.err;
  EXPECT_EQ(run.status("Hangs"), "ERROR");
  EXPECT_THAT(run.reason("Hangs"), HasSubstr("the guest hung during Faulty.Hangs"));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
  EXPECT_TRUE(is_gone(stopped));
}

TEST_F(RunInProgress, Interrupt) {
  ASSERT_NO_FATAL_FAILURE(start({"Passes", "Hangs", "ComesLast"}));
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  const auto guest = qemu();
  ASSERT_EQ(::kill(nsgate_->pid(), SIGINT), 0);
  const auto run = finish();
  EXPECT_EQ(run.exit, 130) << run.err;
  EXPECT_TRUE(is_gone(guest)) << "QEMU " << guest << " is an orphan";
  EXPECT_EQ(run.cell["verdict"], "interrupted");
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("Hangs"), "MISS");
  EXPECT_EQ(run.reason("Hangs"), "interrupted");
  EXPECT_EQ(run.status("ComesLast"), "MISS");
  // The same is kept, and the secrets' image is not.
  EXPECT_EQ(nlohmann::json::parse(file("results.json"))["verdict"], "interrupted");
  EXPECT_EQ(file("initramfs.cpio"), "");
}

// After the first, nsgate waits for whoever should read its results, for ever.
TEST_F(RunInProgress, SecondInterruptEndsAtOnce) {
  ASSERT_NO_FATAL_FAILURE(start({"*"}));
  ASSERT_EQ(::fcntl(nsgate_->stdout_fd(), F_SETPIPE_SZ, 1), 4096) << std::strerror(errno);
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  ASSERT_EQ(::kill(nsgate_->pid(), SIGINT), 0);
  const auto is_blocked = [&] {
    int waiting = 0;
    if (::ioctl(nsgate_->stdout_fd(), FIONREAD, &waiting) != 0 || waiting == 0) return false;
    const auto stat = contents("/proc/" + std::to_string(nsgate_->pid()) + "/stat");
    return stat.contains(") S ");
  };
  ASSERT_TRUE(await(is_blocked)) << "the results are too short to block nsgate";
  ASSERT_EQ(::kill(nsgate_->pid(), SIGINT), 0);
  const int status = nsgate_->wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
}

/// Runs nsgate with its results on a disk of its own, which a shell may fill.
class SmallDisk : public Faults {
 protected:
  Answer on_a_disk_of(const std::string& size, const std::string& meanwhile,
                      const Words& tests) const {
    std::string argv;
    for (const auto& word : command("root", tests, {"--accel", "tcg"})) argv += " '" + word + "'";
    const auto disk = results().string();
    return execute({"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                    "mkdir " + disk + " && mount -t tmpfs -o size=" + size + " none " + disk +
                        " && { " + meanwhile + " } && exec" + argv});
  }
};

TEST_F(SmallDisk, FullWhileTheGuestRuns) {
  const auto disk = results().string();
  // QEMU has just opened its console then; $$ becomes nsgate.
  const auto answer = on_a_disk_of(
      "100m",
      "(until [ -e " + disk + "/*/console.log ]; do kill -0 $$ || exit; sleep 0.02; done; " +
          "cat /dev/zero >" + disk + "/filling) 2>/dev/null & ",
      {"Passes", "ComesLast"});
  EXPECT_EQ(answer.exit, 2) << answer.out << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("frames.log: is the disk full?"));
}

TEST_F(SmallDisk, FullBeforeTheGuest) {
  const auto answer = on_a_disk_of("1m", ":;", {"Passes"});
  EXPECT_EQ(answer.exit, 125) << answer.out << answer.err;
  EXPECT_THAT(answer.out + answer.err, HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace nsgate::lab
