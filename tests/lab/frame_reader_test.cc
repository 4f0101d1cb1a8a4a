// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guest_frames.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class FrameReaderTest : public testing::Test {
 protected:
  FrameReader reader{FrameReader::Expectation{.nonce = std::string(test_nonce),
                                              .user = "root",
                                              .release = "6.1.0-56-cloud-amd64",
                                              .tests = {"A.One", "A.Two"}}};
  GuestFrames guest;

  GuestFrames& whole_run() {
    guest.hello(2).start("A.One").send("beat", "{}").end("A.One");
    return guest.start("A.Two").end("A.Two").bye(2);
  }
  std::string error_after(const std::string& bytes) {
    reader.feed(bytes);
    reader.finish();
    return reader.error().value_or("no error");
  }
};

TEST_F(FrameReaderTest, WholeRunIsComplete) {
  EXPECT_EQ(error_after(whole_run().take()), "no error");
  EXPECT_TRUE(reader.complete());
  EXPECT_THAT(reader.ended(), SizeIs(2));
  EXPECT_EQ(reader.ended()[1].test, "A.Two");
  EXPECT_EQ(reader.ended()[1].exited, 0);
  EXPECT_EQ(reader.ended()[1].time, std::chrono::microseconds(1500));
  EXPECT_EQ(reader.frames(), 7u);
}

TEST_F(FrameReaderTest, BytesMayArriveOneByOne) {
  for (const char byte : whole_run().take()) reader.feed(std::string_view(&byte, 1));
  reader.finish();
  EXPECT_EQ(reader.error(), std::nullopt);
  EXPECT_TRUE(reader.complete());
}

TEST_F(FrameReaderTest, RunCutAnywhereIsAnError) {
  const auto run = whole_run().take();
  for (std::size_t length = 0; length < run.size(); ++length) {
    FrameReader cut({std::string(test_nonce), "root", "", {"A.One", "A.Two"}});
    cut.feed(std::string_view(run).substr(0, length));
    cut.finish();
    EXPECT_TRUE(cut.error()) << "after " << length << " bytes";
    EXPECT_FALSE(cut.complete()) << "after " << length << " bytes";
  }
}

TEST_F(FrameReaderTest, AnyLineLeftOutIsAnError) {
  const auto run = whole_run().take();
  for (std::size_t begin = 0; begin < run.size();) {
    const auto next = run.find('\n', begin) + 1;
    FrameReader holed({std::string(test_nonce), "root", "", {"A.One", "A.Two"}});
    holed.feed(run.substr(0, begin) + run.substr(next));
    holed.finish();
    EXPECT_TRUE(holed.error()) << "without " << run.substr(begin, next - begin);
    begin = next;
  }
}

TEST_F(FrameReaderTest, WhatCameWholeBeforeAnErrorIsKept) {
  EXPECT_THAT(error_after(guest.hello(2)
                              .start("A.One")
                              .end("A.One")
                              .raw("rubbish\n")
                              .start("A.Two")
                              .end("A.Two")
                              .bye(2)
                              .take()),
              HasSubstr("frame 3: does not begin with @: rubbish"));
  EXPECT_THAT(reader.ended(), SizeIs(1));
  EXPECT_FALSE(reader.complete());
}

TEST_F(FrameReaderTest, FirstErrorWins) {
  EXPECT_THAT(error_after("first\nsecond\n"), HasSubstr("first"));
}

TEST_F(FrameReaderTest, RunningTestIsKnown) {
  EXPECT_EQ(reader.running(), nullptr);
  reader.feed(guest.hello(2).start("A.One").take());
  ASSERT_NE(reader.running(), nullptr);
  EXPECT_EQ(*reader.running(), "A.One");
  reader.feed(guest.end("A.One").take());
  EXPECT_EQ(reader.running(), nullptr);
}

TEST_F(FrameReaderTest, ForgedFrameIsAnError) {
  const auto forged =
      frame::encode({1, "start", R"({"test":"A.One"})"}, "ffffffffffffffffffffffffffffffff");
  EXPECT_THAT(error_after(guest.hello(2).take() + forged), HasSubstr("its checksum is wrong"));
}

TEST_F(FrameReaderTest, RepeatedFrameIsAnError) {
  const auto beat = guest.hello(2).send("beat", "{}").take();
  const auto again = beat.substr(beat.find('\n') + 1);
  EXPECT_THAT(error_after(beat + again), HasSubstr("has number 1: a repeat"));
}

TEST_F(FrameReaderTest, LostFrameIsAnError) {
  const auto hello = guest.hello(2).take();
  guest.skip_a_number();
  EXPECT_THAT(error_after(hello + guest.start("A.One").take()), HasSubstr("frames are lost"));
}

TEST_F(FrameReaderTest, OverLongLineIsAnErrorBeforeItEnds) {
  reader.feed(std::string(frame::max_line + 1, '@'));
  EXPECT_THAT(reader.error().value_or(""), HasSubstr("longer than 1048576 bytes"));
}

TEST_F(FrameReaderTest, HelloMustBeFirst) {
  EXPECT_THAT(error_after(guest.send("beat", "{}").take()), HasSubstr("comes before hello"));
}

TEST_F(FrameReaderTest, HelloMustComeOnce) {
  EXPECT_THAT(error_after(guest.hello(2).hello(2).take()), HasSubstr("second hello"));
}

TEST_F(FrameReaderTest, HelloOfAnotherUserIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2, "rootless").take()),
              HasSubstr("user is rootless, not root"));
}

TEST_F(FrameReaderTest, HelloOfAnotherNumberOfTestsIsAnError) {
  EXPECT_THAT(error_after(guest.hello(3).take()), HasSubstr("says 3 tests, not 2"));
}

TEST_F(FrameReaderTest, HelloOfAnotherKernelIsAnError) {
  EXPECT_THAT(
      error_after(
          guest
              .send("hello",
                    R"({"release":"5.10.0","user":"root","tests":2,"slow":1000,"tainted":0})")
              .take()),
      HasSubstr("says that kernel 5.10.0 runs, not 6.1.0-56-cloud-amd64"));
}

TEST_F(FrameReaderTest, EndWithoutStartIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2).end("A.One").take()), HasSubstr("has not started"));
}

TEST_F(FrameReaderTest, EndOfAnotherTestIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2).start("A.One").end("A.Two").take()),
              HasSubstr("ends A.Two while A.One runs"));
}

TEST_F(FrameReaderTest, TestsOutOfThePlansOrderAreAnError) {
  EXPECT_THAT(error_after(guest.hello(2).start("A.Two").take()),
              HasSubstr("starts A.Two where A.One was due"));
}

TEST_F(FrameReaderTest, TestBeyondThePlanIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2)
                              .start("A.One")
                              .end("A.One")
                              .start("A.Two")
                              .end("A.Two")
                              .start("A.One")
                              .take()),
              HasSubstr("after the last test"));
}

TEST_F(FrameReaderTest, TwoTestsAtOnceAreAnError) {
  EXPECT_THAT(error_after(guest.hello(2).start("A.One").start("A.Two").take()),
              HasSubstr("starts A.Two while A.One runs"));
}

TEST_F(FrameReaderTest, ByeBeforeTheLastTestIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2).start("A.One").end("A.One").bye(1).take()),
              HasSubstr("says 1 tests; 1 ended of 2"));
  EXPECT_FALSE(reader.complete());
}

TEST_F(FrameReaderTest, ByeWithAWrongCountOfFramesIsAnError) {
  EXPECT_THAT(
      error_after(guest.hello(2).send("bye", R"({"tests":2,"frames":9,"retired":""})").take()),
      HasSubstr("says 9 frames, and 1 came"));
}

TEST_F(FrameReaderTest, AnythingAfterByeIsAnError) {
  EXPECT_THAT(error_after(whole_run().send("beat", "{}").take()), HasSubstr("comes after bye"));
}

TEST_F(FrameReaderTest, UnterminatedRestAfterByeIsAnError) {
  EXPECT_THAT(error_after(whole_run().raw("x").take()), HasSubstr("cut before its end: x"));
}

TEST_F(FrameReaderTest, UnknownKindIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2).send("log", "{}").take()), HasSubstr("kind is unknown"));
}

TEST_F(FrameReaderTest, EscapeSequencesOfAGuestDoNotReachTheMessage) {
  EXPECT_THAT(error_after("\x1b[2J\n"), HasSubstr("?[2J"));
}

TEST_F(FrameReaderTest, RetiredGuestIsCompleteWithoutItsLastTests) {
  EXPECT_EQ(error_after(guest.hello(2).start("A.One").end("A.One").bye(1, "it leaked").take()),
            "no error");
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.retired(), "it leaked");
}

TEST_F(FrameReaderTest, LeakOfAnotherTestThanTheLastIsAnError) {
  guest.hello(2).start("A.One").end("A.One").send("leak", R"({"test":"A.Two","what":"bQ=="})");
  EXPECT_THAT(error_after(guest.take()), HasSubstr("not the test that ended last"));
}

TEST_F(FrameReaderTest, LeakWhileATestRunsIsAnError) {
  guest.hello(2).start("A.One").end("A.One").start("A.Two");
  guest.send("leak", R"({"test":"A.One","what":"bQ=="})");
  EXPECT_THAT(error_after(guest.take()), HasSubstr("is a leak while A.Two runs"));
}

TEST_F(FrameReaderTest, LeakOfNothingIsAnError) {
  guest.hello(2).start("A.One").end("A.One").send("leak", R"({"test":"A.One","what":""})");
  EXPECT_THAT(error_after(guest.take()), HasSubstr("does not say what leaked"));
}

TEST_F(FrameReaderTest, UnavailableWithoutAReasonIsAnError) {
  EXPECT_THAT(error_after(guest.send("unavailable", R"({"reason":""})").take()),
              HasSubstr("gives no reason"));
}

TEST_F(FrameReaderTest, ByeWhileATestRunsIsAnErrorEvenOfARetiredGuest) {
  guest.hello(2).start("A.One").bye(0, "the kernel complained");
  EXPECT_THAT(error_after(guest.take()), HasSubstr("is a bye while A.One runs"));
}

TEST_F(FrameReaderTest, ByeWithAWrongCountOfTestsIsAnErrorEvenOfARetiredGuest) {
  guest.hello(2).start("A.One").end("A.One").bye(2, "the kernel complained");
  EXPECT_THAT(error_after(guest.take()), HasSubstr("says 2 tests; 1 ended of 2"));
}

TEST_F(FrameReaderTest, LeakIsKept) {
  guest.hello(2).start("A.One").end("A.One").send("leak", R"({"test":"A.One","what":"bQ=="})");
  reader.feed(guest.take());
  EXPECT_FALSE(reader.error());
  ASSERT_THAT(reader.leaks(), SizeIs(1));
  EXPECT_EQ(reader.leaks()[0].what, "m");
}

TEST_F(FrameReaderTest, UnavailableIsTheWholeStream) {
  guest.send("unavailable", R"({"reason":"no such sysctl"})");
  EXPECT_EQ(error_after(guest.take()), "no error");
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.unavailable(), "no such sysctl");
  EXPECT_THAT(error_after(guest.hello(2).take()), HasSubstr("comes after bye"));
}

TEST_F(FrameReaderTest, SlownessBeyondReasonIsAnError) {
  EXPECT_THAT(error_after(guest.hello(2, "root", 0).take()), HasSubstr("out of range"));
}

class BadBody : public FrameReaderTest,
                public testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(BadBody, IsAnError) {
  const auto [kind, body] = GetParam();
  reader.feed(guest.hello(2).start("A.One").take());
  ASSERT_FALSE(reader.error());
  reader.feed(guest.send(kind, body).take());
  EXPECT_TRUE(reader.error());
}

INSTANTIATE_TEST_SUITE_P(
    FrameReader, BadBody,
    testing::Values(
        std::tuple("end", ""), std::tuple("end", "[]"), std::tuple("end", "{"),
        std::tuple("end", R"({"test":"A.One"})"),
        std::tuple("end", R"({"test":"A.One","exited":0,"microseconds":1,"xml":""})"),
        std::tuple(
            "end",
            R"({"test":"A.One","microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"signaled":9,"microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":-1,"microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":256,"microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","signaled":0,"microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":"0","microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"microseconds":1,"xml":"?","output":"","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"microseconds":1,"xml":"","output":"QQ=","warnings":"","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0,"timed_out":false})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"microseconds":1,"xml":"","output":"","warnings":"","tainted":0,"lost":0,"more":1})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"microseconds":1,"xml":"","output":"","warnings":"?","tainted":0,"lost":0})"),
        std::tuple(
            "end",
            R"({"test":"A.One","exited":0,"microseconds":1,"xml":"","output":"","warnings":"","tainted":-1,"lost":0})"),
        std::tuple("leak", R"({"test":"A.One","what":"bQ=="})"),
        std::tuple("unavailable", R"({"reason":"late"})"), std::tuple("beat", "0"),
        std::tuple("beat", R"({"a":1})"), std::tuple("bye", "{}"), std::tuple("beat", "{\t}")));

}  // namespace
}  // namespace nsgate::lab
