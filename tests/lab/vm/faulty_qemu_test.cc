// SPDX-License-Identifier: Apache-2.0
//
// A broken guest is never a pass (faults_test.cc): what a program in QEMU's place does to the wire
// and to the image.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "vm/faulty_run.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// A program in QEMU's place.
class FaultyQemu : public FaultyRun {
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

}  // namespace
}  // namespace nsgate::lab
