// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/durations.h"

#include <gtest/gtest.h>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

TEST(Durations, AreReadBack) {
  const ScratchFolder folder;
  const auto file = folder.path() / "not yet" / "durations.json";
  auto durations = Durations::load(file);
  EXPECT_FALSE(durations.seconds_of("6.1-root"));
  durations.note("6.1-root", 41.5);
  durations.save();
  EXPECT_EQ(Durations::load(file).seconds_of("6.1-root"), 41.5);
}

TEST(Durations, BrokenFileIsAnEmptyOne) {
  const ScratchFolder folder;
  for (const char* text : {"", "{", "[1]", R"({"6.1-root":"x"})"}) {
    EXPECT_FALSE(Durations::load(folder.write("durations.json", text)).seconds_of("6.1-root"));
  }
}

}  // namespace
}  // namespace nsgate::lab
