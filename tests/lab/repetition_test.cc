// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/repetition.h"

#include <gtest/gtest.h>

#include "lab/base/could_not_start.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

/// Plays these runs, then passes.
Tally play(const Repetition& repetition, const Tally& codes) {
  return value_of(repeat(repetition, [&](std::size_t number) -> Expected<ExitCode> {
    return number <= codes.size() ? codes[number - 1] : ExitCode::pass;
  }));
}

constexpr auto pass = ExitCode::pass;
constexpr auto fail = ExitCode::fail;

TEST(Repeat, RunsSoOften) {
  EXPECT_EQ(play({.times = 3}, {}), (Tally{pass, pass, pass}));
  EXPECT_EQ(play({.times = 3}, {fail}), (Tally{fail, pass, pass}));
}

TEST(Repeat, UntilFailEndsAtTheFirstThatIsNoPass) {
  EXPECT_EQ(play({.times = 9, .until_fail = true}, {pass, fail}), (Tally{pass, fail}));
  EXPECT_EQ(play({.times = 0, .until_fail = true}, {pass, pass, ExitCode::all_skipped}),
            (Tally{pass, pass, ExitCode::all_skipped}));
  EXPECT_EQ(play({.times = 2, .until_fail = true}, {}), (Tally{pass, pass}));
}

TEST(Repeat, InterruptionEndsIt) {
  EXPECT_EQ(play({.times = 9}, {pass, ExitCode::interrupted}),
            (Tally{pass, ExitCode::interrupted}));
}

TEST(Repeat, FirstRunThatCannotBeMadeIsTheAnswer) {
  const auto tally = repeat(
      {.times = 9}, [](std::size_t) -> Expected<ExitCode> { return could_not_start("no kernel"); });
  ASSERT_FALSE(tally);
  EXPECT_EQ(tally.error().message, "no kernel");
}

TEST(Repeat, LaterRunThatCannotBeMadeEndsItAndLosesNoFailure) {
  const auto tally = repeat({.times = 9}, [](std::size_t number) -> Expected<ExitCode> {
    if (number == 2) return could_not_start("no kernel");
    return fail;
  });
  EXPECT_EQ(value_of(tally), (Tally{fail, ExitCode::could_not_start}));
}

TEST(Summary, NamesWhatIsNoPass) {
  EXPECT_EQ(summary({pass}), "1 run: 1 passed");
  EXPECT_EQ(summary({pass, fail, pass, ExitCode::deadline}),
            "4 runs: 2 passed; no pass: number 2 (fail), number 4 (deadline)");
  EXPECT_TRUE(summary(Tally(12, fail)).ends_with("number 10 (fail) and 2 more"));
}

}  // namespace
}  // namespace nsgate::lab
