// SPDX-License-Identifier: Apache-2.0
//
// Cells of one guest for the tests of the verdict: what init sent, what the kernel said and how it
// all ended are set one by one, and then judged.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "guest_frames.h"
#include "lab/verdict/cell_verdict.h"
#include "lab/verdict/guest_verdict.h"

namespace nsgate::lab {

/// GoogleTest's report that A.One passed, in base64.
inline constexpr const char* passed =
    "PHRlc3RzdWl0ZXMgdGVzdHM9IjEiIGZhaWx1cmVzPSIwIiBlcnJvcnM9IjAiPjx0ZXN0c3VpdGUgbmFtZT0iQSI+PHRl"
    "c3RjYXNlIG5hbWU9Ik9uZSIgc3RhdHVzPSJydW4iIHJlc3VsdD0iY29tcGxldGVkIi8+PC90ZXN0c3VpdGU+PC90ZXN0"
    "c3VpdGVzPg==";

/// The same of A.Two.
inline constexpr const char* second_passed =
    "PHRlc3RzdWl0ZXMgdGVzdHM9IjEiIGZhaWx1cmVzPSIwIiBlcnJvcnM9IjAiPjx0ZXN0c3VpdGUgbmFtZT0iQSI+PHRl"
    "c3RjYXNlIG5hbWU9IlR3byIgc3RhdHVzPSJydW4iIHJlc3VsdD0iY29tcGxldGVkIi8+PC90ZXN0c3VpdGU+PC90ZXN0"
    "c3VpdGVzPg==";

inline const KernelLog healthy_log{.panic = {},
                                   .splats = {},
                                   .to_the_end = true,
                                   .last_words = "[ 3.0] reboot: Restarting system"};

inline Splat splat_of(const std::string& test, const std::string& title) {
  return {.title = title, .fingerprint = title, .test = test, .late = false, .text = title};
}

/// The verdict on a cell of one guest.
inline CellVerdict judge_one(const GuestEvidence& evidence, const Judgement& judgement = {}) {
  return judge_cell(evidence.tests, {{.first = 0, .verdict = judge_guest(evidence, judgement)}});
}

/// Of two tests, of which the guest has said nothing yet.
class JudgeCell : public testing::Test {
 protected:
  const std::vector<std::string> tests{"A.One", "A.Two"};
  FrameReader reader{FrameReader::Expectation{std::string(test_nonce), "root", "", tests}};
  GuestFrames guest;
  KernelLog kernel;
  std::optional<Failure> ended_by_lab;
  std::optional<std::string> qemu_fault;

  CellVerdict judge() { return judge_one({tests, reader, kernel, ended_by_lab, qemu_fault}); }
  std::optional<std::size_t> resume_at() {
    return judge_guest({tests, reader, kernel, ended_by_lab, qemu_fault}, Judgement{}).resume_at;
  }
  std::vector<Status> statuses(const CellVerdict& verdict) {
    std::vector<Status> all;
    for (const auto& test : verdict.tests) all.push_back(test.status);
    return all;
  }
  void run_first_test() { reader.feed(guest.hello(2).start("A.One").end("A.One", passed).take()); }
};

/// Of one test that passed in a guest that came to its end.
class JudgeCellOfOneTest : public testing::Test {
 protected:
  const std::vector<std::string> tests{"A.One"};
  FrameReader reader{FrameReader::Expectation{std::string(test_nonce), "root", "", tests}};
  KernelLog kernel = healthy_log;

  void SetUp() override {
    GuestFrames guest;
    reader.feed(guest.hello(1).start("A.One").end("A.One", passed).bye(1).take());
    reader.finish();
    ASSERT_TRUE(reader.complete());
  }
};

}  // namespace nsgate::lab
