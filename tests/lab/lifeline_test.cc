// SPDX-License-Identifier: Apache-2.0
#include "lab/base/lifeline.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <future>

namespace nsgate::lab {
namespace {

class Lifeline : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(ends_.data()), 0); }
  void TearDown() override {
    ::close(ends_[0]);
    cut();
  }
  void cut() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

  std::array<int, 2> ends_{-1, -1};
  std::promise<void> lost_;
};

TEST_F(Lifeline, EndOfTheFileIsTold) {
  const LifelineWatch watch(ends_[0], [this] { lost_.set_value(); });
  cut();
  EXPECT_EQ(lost_.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(Lifeline, WhatComesBeforeTheEndIsIgnored) {
  const LifelineWatch watch(ends_[0], [this] { lost_.set_value(); });
  ASSERT_EQ(::write(ends_[1], "x", 1), 1);
  auto lost = lost_.get_future();
  EXPECT_EQ(lost.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  cut();
  EXPECT_EQ(lost.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(Lifeline, WatchCanEndBeforeTheLine) {
  bool lost = false;
  {
    const LifelineWatch watch(ends_[0], [&lost] { lost = true; });
  }
  cut();
  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace nsgate::lab
