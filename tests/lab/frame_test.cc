// SPDX-License-Identifier: Apache-2.0
#include "frame/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <tuple>
#include <utility>

#include "frame/plan.h"

namespace nsgate::frame {
namespace {

constexpr std::string_view nonce = "6f1d0c55e1b24d9c";

const Frame example{.sequence = 3, .kind = "start", .body = R"({"test":"InNetns.Returns"})"};

/// The line as the lab sees it: without its newline.
std::string line_of(const Frame& frame) {
  std::string line = encode(frame, nonce);
  line.pop_back();
  return line;
}

rc::Gen<Frame> any_frame() {
  const auto letter = rc::gen::inRange('a', static_cast<char>('z' + 1));
  const auto printable = rc::gen::inRange(' ', static_cast<char>('~' + 1));
  return rc::gen::build<Frame>(
      rc::gen::set(&Frame::sequence),
      rc::gen::set(&Frame::kind, rc::gen::nonEmpty(rc::gen::container<std::string>(letter))),
      rc::gen::set(&Frame::body, rc::gen::container<std::string>(printable)));
}

TEST(Frame, ChecksumIsThatOfIeee802_3) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

TEST(Frame, LineHasTheDocumentedForm) {
  EXPECT_EQ(line_of(example), "@3 b58ea289 32 start {\"test\":\"InNetns.Returns\"}");
}

RC_GTEST_PROP(Frame, WhatIsEncodedIsDecoded, ()) {
  const Frame frame = *any_frame();
  RC_ASSERT((decode(line_of(frame), nonce) == frame));
}

TEST(Frame, EveryFlippedBitIsRefused) {
  const std::string line = line_of(example);
  for (std::size_t byte = 0; byte < line.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = line;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << bit));
      EXPECT_FALSE(decode(flipped, nonce)) << flipped;
    }
  }
}

RC_GTEST_PROP(Frame, AFlippedBitOfAnyFrameIsRefused, ()) {
  std::string line = line_of(*any_frame());
  auto& byte = line[*rc::gen::inRange<std::size_t>(0, line.size())];
  byte = static_cast<char>(byte ^ (1 << *rc::gen::inRange(0, 8)));
  RC_ASSERT(!decode(line, nonce));
}

TEST(Frame, EveryBeginningAndEveryEndOfALineIsRefused) {
  const std::string line = line_of(example);
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(decode(line.substr(0, size), nonce)) << "the first " << size;
    EXPECT_FALSE(decode(line.substr(line.size() - size), nonce)) << "the last " << size;
  }
}

TEST(Frame, TwoLinesThatRanTogetherAreRefused) {
  EXPECT_FALSE(decode(line_of(example) + line_of(example), nonce));
}

TEST(Frame, ALineWithoutTheNonceIsRefused) {
  EXPECT_FALSE(decode(line_of(example), "another"));
  EXPECT_FALSE(decode(line_of(example), ""));
}

// A copy of an old frame with the next number: its checksum covers the number.
TEST(Frame, ARenumberedCopyIsRefused) {
  std::string line = line_of(example);
  line.replace(0, 2, "@4");
  EXPECT_FALSE(decode(line, nonce));
}

TEST(Frame, AMovedBoundaryBetweenKindAndBodyIsRefused) {
  const Frame frame{.sequence = 1, .kind = "end", .body = "{} {}"};
  std::string line = line_of(frame);
  line.replace(line.find("end {} {}"), 9, "end{} {} ");
  EXPECT_FALSE(decode(line, nonce));
}

TEST(Frame, ErrorsSayWhatIsWrong) {
  const std::string line = line_of(example);
  EXPECT_EQ(decode("hello", nonce).error(), "does not begin with @");
  EXPECT_EQ(decode("@3", nonce).error(), "cut before its sequence");
  EXPECT_EQ(decode("@x 0 0 ", nonce).error(), "its sequence is no number");
  EXPECT_EQ(decode(line + "!", nonce).error(), "holds 33 bytes of 32");
  EXPECT_EQ(decode(line, "another").error(), "its checksum is wrong");
}

const Plan plan{.nonce = "6f1d",
                .user = User::rootless,
                .test_deadline = std::chrono::milliseconds(1500),
                .environment = {"RC_PARAMS=seed=1 max_success=2", "EMPTY="},
                .program = "/payload/nsgate_tests",
                .tests = {"InNetns.Returns", "Laws/Netns.Is/0"}};

TEST(Plan, WhatIsEncodedIsParsed) {
  EXPECT_EQ(parse_plan(encode(plan)), plan);
  Plan root = plan;
  root.user = User::root;
  root.tests.clear();
  EXPECT_EQ(parse_plan(encode(root)), root);
  root.user = User::nested;
  EXPECT_EQ(parse_plan(encode(root)), root);
  root.shell = "/payload/busybox sh";
  root.terminal = {.rows = 24, .columns = 80, .type = "xterm-256color"};
  EXPECT_EQ(parse_plan(encode(root)), root);
}

// Were a cut plan accepted, tests would be missing and nobody would know which.
TEST(Plan, ALineThatIsCutIsRefused) {
  const std::string text = encode(plan);
  for (std::size_t size = 0; size < text.size(); ++size) {
    if (size > 0 && text[size - 1] == '\n') continue;
    EXPECT_FALSE(parse_plan(text.substr(0, size))) << size;
  }
}

TEST(Plan, AWrongLineIsNamed) {
  const std::string begin = "nonce 6f1d\n";
  for (const std::string wrong :
       {"user nobody", "test_deadline_ms 0", "test_deadline_ms -1", "test_deadline_ms 1s", "test ",
        "tests A.B", "test", "", "shell ", "terminal 24 80", "terminal 24 80 ",
        "terminal x 80 xterm", "terminal 24 70000 x"}) {
    const auto parsed = parse_plan(begin + wrong + "\nprogram /payload/p\n");
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error(), "line 2 of the plan: " + wrong);
  }
}

TEST(Plan, NeedsANonceAndAProgram) {
  EXPECT_EQ(parse_plan("program /payload/p\n").error(), "the plan has no nonce");
  EXPECT_EQ(parse_plan("nonce 6f1d\n").error(), "the plan has no program");
}

}  // namespace
}  // namespace nsgate::frame
