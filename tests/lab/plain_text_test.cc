// SPDX-License-Identifier: Apache-2.0
#include "lab/base/plain_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsgate::lab {
namespace {

using testing::ElementsAre;

TEST(PlainText, NoEscapeSequenceIsLeft) {
  EXPECT_EQ(plain_text("\x1b[31mred\x7f\r\n\ttab"), "?[31mred??\n?tab");
  EXPECT_EQ(plain_text("\xc2\x9b"
                       "31m"),
            "\xc2?31m");
}

TEST(PlainText, OtherLettersAreKept) { EXPECT_EQ(plain_text("größer …"), "größer …"); }

TEST(NonEmptyLines, HaveNoEnds) {
  EXPECT_THAT(non_empty_lines("a\r\n\r\n\nb\nc"), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace nsgate::lab
