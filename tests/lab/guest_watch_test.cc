// SPDX-License-Identifier: Apache-2.0
//
// Shell scripts play QEMU: what matters here is what the lab does with a stream and a process.
#include "lab/machine/guest_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <sstream>

#include "guest_frames.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;

class WatchGuest : public testing::Test {
 protected:
  FrameReader reader{FrameReader::Expectation{std::string(test_nonce), "root", "", {"A.One"}}};
  GuestFrames guest;
  std::ostringstream log;
  Deadlines deadlines;
  pid_t pid = 0;

  GuestEnd watch(const std::string& frames, const std::string& then) {
    auto qemu = Process::start({.argv = {"sh", "-c", "printf %s \"$FRAMES\"; " + then},
                                .extra_env = {"FRAMES=" + frames},
                                .stderr_file = {},
                                .working_directory = {}});
    EXPECT_TRUE(qemu);
    pid = qemu->pid();
    return watch_guest(*qemu, reader, deadlines, log, [] {});
  }
  std::string whole_run() { return guest.hello(1).start("A.One").end("A.One").bye(1).take(); }
};

TEST_F(WatchGuest, GuestThatEndsIsReadToItsLastByte) {
  const auto frames = whole_run();
  const auto end = watch(frames, "exit 0");
  EXPECT_FALSE(end.ended_by_lab);
  EXPECT_FALSE(end.qemu_fault);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(log.str(), frames);
}

TEST_F(WatchGuest, BytesBeyondOneReadAreNotLost) {
  watch("", "head -c 300000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(log.str().size(), 300000u);
}

TEST_F(WatchGuest, FailedQemuIsAFault) {
  EXPECT_EQ(watch(whole_run(), "exit 3").qemu_fault, "QEMU exited with 3");
}

TEST_F(WatchGuest, KilledQemuIsAFault) {
  EXPECT_EQ(watch(whole_run(), "kill -SEGV $$").qemu_fault, "QEMU was killed by signal 11");
}

TEST_F(WatchGuest, GuestWithoutHelloDidNotBoot) {
  deadlines.boot = std::chrono::seconds(1);
  const auto end = watch("", "exec sleep 100");
  ASSERT_TRUE(end.ended_by_lab);
  EXPECT_EQ(end.ended_by_lab->code, ExitCode::infrastructure);
  EXPECT_EQ(end.ended_by_lab->message, "did not boot within 1 s");
}

TEST_F(WatchGuest, SilentGuestHungInItsTestAndIsGone) {
  deadlines.silence = std::chrono::seconds(1);
  const auto end = watch(guest.hello(1).start("A.One").take(), "exec sleep 100");
  ASSERT_TRUE(end.ended_by_lab);
  EXPECT_EQ(end.ended_by_lab->code, ExitCode::deadline);
  EXPECT_EQ(end.ended_by_lab->message, "the guest hung during A.One: no frame for 1 s");
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(WatchGuest, GuestThatStaysAfterByeHung) {
  deadlines.silence = std::chrono::seconds(1);
  const auto end = watch(whole_run(), "exec sleep 100");
  ASSERT_TRUE(end.ended_by_lab);
  EXPECT_THAT(end.ended_by_lab->message, HasSubstr("hung after its last test"));
}

TEST_F(WatchGuest, BytesThatAreNoFrameAreSilence) {
  deadlines.silence = std::chrono::seconds(1);
  const auto end =
      watch(guest.hello(1).start("A.One").take(), "while :; do printf x; sleep 0.1; done");
  ASSERT_TRUE(end.ended_by_lab);
  EXPECT_THAT(end.ended_by_lab->message, HasSubstr("no frame for 1 s"));
}

TEST_F(WatchGuest, BusyGuestEndsWithItsCell) {
  deadlines.cell = std::chrono::seconds(1);
  deadlines.silence = std::chrono::hours(1);
  const auto end = watch(guest.hello(1).start("A.One").take(), "exec sleep 100");
  ASSERT_TRUE(end.ended_by_lab);
  EXPECT_EQ(end.ended_by_lab->code, ExitCode::deadline);
  EXPECT_EQ(end.ended_by_lab->message, "the cell did not end within 1 s");
}

TEST_F(WatchGuest, WrongFrameEndsTheGuestAtOnce) {
  const auto end = watch("rubbish\n", "exec sleep 100");
  EXPECT_FALSE(end.ended_by_lab);
  EXPECT_FALSE(end.qemu_fault);
  EXPECT_THAT(reader.error().value_or(""), HasSubstr("rubbish"));
}

}  // namespace
}  // namespace nsgate::lab
