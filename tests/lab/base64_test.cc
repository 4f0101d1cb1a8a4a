// SPDX-License-Identifier: Apache-2.0
#include "lab/base/base64.h"

#include <gtest/gtest.h>

namespace nsgate::lab {
namespace {

TEST(DecodeBase64, AnswersTheBytes) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("AP+A"), std::string("\0\xff\x80", 3));
}

TEST(DecodeBase64, RefusesEveryOtherText) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm-_", "=", "====", "Z===", "Zg==Zg=="}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace nsgate::lab
